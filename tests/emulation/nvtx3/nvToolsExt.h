#pragma once
// Stands in for NVTX where kernels are compiled for the emulation: names nobody looks at.
inline int nvtxRangePushA(const char*) { return 0; }
inline int nvtxRangePop() { return 0; }
