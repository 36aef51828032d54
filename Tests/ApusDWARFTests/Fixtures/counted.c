// Built by `make-fixtures`; tests know its lines.
#include "counted.h"

volatile int sink;

__attribute__((noinline)) static int weight(int kind) {
    switch (kind) {
    case 0:
        sink = 10;
        return 7;
    case 1:
        sink += 20;
        return sink;
    case 2:
        sink -= 30;
        break;
    case 3:
        return 9;
    default:
        sink ^= 40;
    }
    return sink;
}

__attribute__((noinline)) void never(int value) {
    sink = clamped(value);
}

__attribute__((noinline)) static int sum(int count) {
    int total = 0;
#pragma clang loop unroll(disable)
    for (int index = 0; index < count; index++) {
        if (index % 4 == 3) {
            sink = index;
            continue;
        }
        total += clamped(50 * index);
    }
    return total;
}

__attribute__((export_name("run"))) int run(int count, int kind) {
    int total = weight(kind);
    if (count < 0) {
        never(count);
        __builtin_trap();
    }
    total += sum(count);
    return clamped(total);
}
