#!/bin/sh
# Installs the CUDA 13.0 compiler from PyPI into one folder that works as CUDA_HOME; needs python3 with pip, no GPU, no root.
# The versions are pinned: PTX of a newer compiler does not load on driver 580.
# usage: install-nvcc.sh FOLDER   then: export CUDA_HOME=FOLDER/nvidia/cu13
set -eu
folder=${1:?usage: install-nvcc.sh FOLDER}
home=$folder/nvidia/cu13
if [ ! -x "$home/bin/nvcc" ]; then
  # --no-deps: these five are the whole toolkit; cudart is linked statically
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --target "$folder" \
    nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96 \
    nvidia-cuda-cccl==13.0.85
fi
# CMake and nvcc look for libraries in lib64.
[ -e "$home/lib64" ] || ln -s lib "$home/lib64"
"$home/bin/nvcc" --version | tail -2
echo "CUDA_HOME=$home"
