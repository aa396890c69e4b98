// Stands in for NVIDIA's header of this name when kernels are compiled for the CPU.
#pragma once
#include "cuda_emu.h"
#include "tensor_emu.h"
