// A register machine whose instructions are functions in a table, as a database's is that calls by
// opcode, and whose comparisons go through a function that the query names.
#include <stdint.h>
#include <stdio.h>

typedef struct Machine Machine;
typedef struct { uint8_t code, a, b, c; } Instruction;
typedef int (*Operation)(Machine *, const Instruction *);
typedef int (*Comparison)(int64_t, int64_t);

struct Machine {
    int64_t registers[16];
    int64_t *rows;
    int row, rowCount;
    int place;
    Comparison compare;
    int64_t result;
};

static int next(Machine *m, const Instruction *i) {
    if (++m->row >= m->rowCount) return i->a;
    return m->place + 1;
}
static int column(Machine *m, const Instruction *i) {
    m->registers[i->a] = m->rows[m->row * 4 + i->b];
    return m->place + 1;
}
static int add(Machine *m, const Instruction *i) {
    m->registers[i->a] = m->registers[i->b] + m->registers[i->c];
    return m->place + 1;
}
static int jumpUnless(Machine *m, const Instruction *i) {
    return m->compare(m->registers[i->a], m->registers[i->b]) ? m->place + 1 : i->c;
}
static int emit(Machine *m, const Instruction *i) {
    m->result += m->registers[i->a];
    return m->place + 1;
}
static int jump(Machine *m, const Instruction *i) { return i->a; }
static int halt(Machine *m, const Instruction *i) { return -1; }

static const Operation operations[] = {next, column, add, jumpUnless, emit, jump, halt};
static int isLess(int64_t a, int64_t b) { return a < b; }
static int isEqual(int64_t a, int64_t b) { return a == b; }
static const Comparison comparisons[] = {isLess, isEqual};

static int64_t query(Machine *m, const Instruction *program, int comparison) {
    m->compare = comparisons[comparison];
    m->row = -1;
    m->place = 0;
    m->result = 0;
    while (m->place >= 0) {
        const Instruction *i = &program[m->place];
        m->place = operations[i->code](m, i);
    }
    return m->result;
}

// An insertion sort that is told how to compare.
static void sort(int64_t *values, int count, Comparison compare) {
    for (int i = 1; i < count; i++) {
        int64_t value = values[i];
        int j = i;
        for (; j > 0 && compare(value, values[j - 1]); j--) values[j] = values[j - 1];
        values[j] = value;
    }
}

int main(int argc, char **argv) {
    static int64_t rows[4 * 1000];
    uint32_t random = 1;
    for (int i = 0; i < 4000; i++) {
        random = random * 1664525 + 1013904223;
        rows[i] = random >> 20;
    }
    static const Instruction program[] = {
        {0, 7}, {1, 0, 0}, {1, 1, 1}, {3, 0, 1, 0}, {2, 2, 0, 1}, {4, 2}, {5, 0}, {6},
    };
    Machine machine = {.rows = rows, .rowCount = 1000};
    int64_t sum = 0;
    for (int round = 0; round < 6000; round++) sum += query(&machine, program, round % 50 == 0);
    static int64_t values[2000];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 2000; i++) values[i] = rows[(i * 7 + round) % 4000];
        sort(values, 2000, comparisons[argc > 100]);
        sum += values[round];
    }
    printf("%lld\n", (long long)sum);
}
