// CMake links a program that holds machine code for a GPU in a way of its own.
__global__ void nothing() {}
