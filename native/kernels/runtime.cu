// Questions about the library and the machine; no kernel.
#include "launch.cuh"

extern "C" int acm_device_count(int32_t *count) {
  if (count == nullptr) return ACM_NULL_POINTER;
  int n = 0;
  const cudaError_t status = cudaGetDeviceCount(&n);
  *count = n;
  return status;
}

extern "C" int acm_is_emulated(void) {
#ifdef __CUDACC__
  return 0;
#else
  return 1;
#endif
}

extern "C" const char *acm_status_text(int status) {
  switch (status) {
    case ACM_OK: return "no error";
    case ACM_NULL_POINTER: return "a pointer that is needed is null";
    case ACM_BAD_SIZE: return "a size is below what is allowed, or does not fit another one";
    case ACM_BAD_VALUE: return "a value is not one that is allowed";
    case ACM_OVERLAP: return "input and output share memory";
    case ACM_MISALIGNED: return "a pointer is not aligned as the function asks";
    case ACM_TOO_LARGE: return "a size, or a product of sizes, is above what is allowed";
    case ACM_UNSUPPORTED: return "values are allowed one by one, but not together";
    case ACM_WORKSPACE_TOO_SMALL: return "the workspace is smaller than the function asks for";
    default: return status < 0 ? "unknown status" : cudaGetErrorString(static_cast<cudaError_t>(status));
  }
}
