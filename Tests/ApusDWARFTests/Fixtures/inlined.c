// Built by `make-fixtures`; tests know its lines.
__attribute__((always_inline)) static inline int element(const int *values, int index) {
    return values[index];
}

__attribute__((always_inline)) static inline int twice(const int *values, int index) {
    return 2 * element(values, index);
}

__attribute__((noinline)) static int sum(const int *values, int count) {
    int total = 0;
    for (int index = 0; index < count; index++) {
        total += twice(values, index);
    }
    return total;
}

__attribute__((export_name("run"))) int run(int address, int count) {
    int total = sum((const int *)address, count);
    if (total == 6) {
        __builtin_trap();
    }
    return total;
}
