#include "apus_processor.h"

uint32_t apus_processor_features(void) {
    uint32_t features = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("popcnt")) features |= 1;
    if (__builtin_cpu_supports("lzcnt")) features |= 2;
    if (__builtin_cpu_supports("bmi")) features |= 4;
    if (__builtin_cpu_supports("bmi2")) features |= 8;
    if (__builtin_cpu_supports("avx")) features |= 16;
    if (__builtin_cpu_supports("avx2")) features |= 32;
    if (__builtin_cpu_supports("fma")) features |= 64;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bitalg"))
        features |= 128;
#endif
    return features;
}
