// An interpreter whose instructions leave for each other by tail calls.
#include <stdint.h>
#include <stdio.h>

typedef struct { uint32_t code, a; } Instruction;
typedef int64_t (*Handler)(const Instruction *, int64_t *, int64_t);
extern const Handler handlers[];

#define NEXT(i, locals, top) __attribute__((musttail)) return handlers[(i)->code](i, locals, top)

static int64_t addLocal(const Instruction *i, int64_t *locals, int64_t top) {
    top += locals[i->a];
    i++;
    NEXT(i, locals, top);
}
static int64_t store(const Instruction *i, int64_t *locals, int64_t top) {
    locals[i->a] = top;
    i++;
    NEXT(i, locals, top);
}
static int64_t number(const Instruction *i, int64_t *locals, int64_t top) {
    top = (int32_t)i->a;
    i++;
    NEXT(i, locals, top);
}
static int64_t shiftLocal(const Instruction *i, int64_t *locals, int64_t top) {
    top ^= locals[i->a] >> 3;
    i++;
    NEXT(i, locals, top);
}
static int64_t loop(const Instruction *i, int64_t *locals, int64_t top) {
    i = --locals[0] > 0 ? i - i->a : i + 1;
    NEXT(i, locals, top);
}
static int64_t end(const Instruction *i, int64_t *locals, int64_t top) { return top; }

const Handler handlers[] = {number, addLocal, store, shiftLocal, loop, end};

int main(void) {
    static const Instruction program[] = {
        {0, 7}, {2, 1}, {1, 1}, {3, 2}, {1, 0}, {2, 2}, {1, 1}, {2, 1}, {4, 6}, {5, 0},
    };
    int64_t locals[3] = {30000000, 0, 1};
    printf("%lld\n", (long long)handlers[program[0].code](program, locals, 0));
}
