// What calls cost through `wasm.h`, of any library that has it:
//   cc -O2 -ISources/CApusC/include Benchmarks/c-calls.c -ldl -o c-calls && ./c-calls LIBRARY
// Prints a line for each figure, `NAME NANOSECONDS`: the median of nine rounds, in time of the
// processor.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <wasm.h>

static void *library;

/// A function of the library's, under the name it has in the header.
#define API(name) ((__typeof__(&name))entry(#name))

static void *entry(const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) fprintf(stderr, "there is no %s\n", name), exit(2);
    return found;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int order(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/// (module (import "" "h" (func $h (param i32) (result i32)))
///   (func (export "nop"))
///   (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
///   (func (export "loop") (param i32) (result i32) (local i32)
///     (loop (local.set 1 (call $h (local.get 1)))
///       (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
///     local.get 1))
static byte_t module_bytes[] =
    "\0asm\1\0\0\0\1\x0f\3\x60\1\x7f\1\x7f\x60\0\0\x60\2\x7f\x7f\1\x7f\2\6\1\0\1h\0\0\3\4\3\1\2\0"
    "\7\x14\3\3nop\0\1\3add\0\2\4loop\0\3\x0a\x25\3\2\0\x0b\7\0\x20\0\x20\1\x6a\x0b\x18\1\1\x7f"
    "\3\x40\x20\1\x10\0\x21\1\x20\0\x41\1\x6b\x22\0\x0d\0\x0b\x20\1\x0b";

static wasm_trap_t *next(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    results->data[0].kind = WASM_I32;
    results->data[0].of.i32 = args->data[0].of.i32 + 1;
    return NULL;
}

static void check(const void *trap) {
    if (trap != NULL) fprintf(stderr, "a call has failed\n"), exit(3);
}

enum { rounds = 9, repeats = 300000 };

static void report(const char *name, double *figures) {
    qsort(figures, rounds, sizeof *figures, order);
    printf("%s %.1f\n", name, figures[rounds / 2]);
}

static wasm_functype_t *function_type(void) {
    wasm_valtype_t *types[] = {API(wasm_valtype_new)(WASM_I32), API(wasm_valtype_new)(WASM_I32)};
    wasm_valtype_vec_t params, results;
    API(wasm_valtype_vec_new)(&params, 1, &types[0]);
    API(wasm_valtype_vec_new)(&results, 1, &types[1]);
    return API(wasm_functype_new)(&params, &results);
}

int main(int count, char **arguments) {
    library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (library == NULL) return fprintf(stderr, "usage: c-calls LIBRARY (%s)\n", dlerror()), 64;
    wasm_engine_t *engine = API(wasm_engine_new)();
    wasm_store_t *store = API(wasm_store_new)(engine);
    wasm_byte_vec_t bytes = {sizeof module_bytes - 1, module_bytes};
    wasm_module_t *module = API(wasm_module_new)(store, &bytes);
    if (module == NULL) return fprintf(stderr, "the module is refused\n"), 3;
    wasm_func_t *host = API(wasm_func_new)(store, function_type(), next);
    wasm_extern_t *items[] = {API(wasm_func_as_extern)(host)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
    wasm_instance_t *instance = API(wasm_instance_new)(store, module, &imports, NULL);
    if (instance == NULL) return fprintf(stderr, "no instance\n"), 3;
    API(wasm_instance_exports)(instance, &exports);
    wasm_func_t *functions[3];
    for (int index = 0; index < 3; index++) {
        functions[index] = API(wasm_extern_as_func)(exports.data[index]);
    }

    __typeof__(&wasm_func_call) call = API(wasm_func_call);
    wasm_val_t a[] = {WASM_I32_VAL(1), WASM_I32_VAL(2)}, r[] = {WASM_INIT_VAL};
    wasm_val_vec_t none = WASM_EMPTY_VEC, one = {1, a}, two = {2, a}, results = {1, r};
    double figures[3][rounds];
    for (int round = 0; round < rounds; round++) {
        double start = now();
        for (int i = 0; i < repeats; i++) check(call(functions[0], &none, &none));
        figures[0][round] = (now() - start) / repeats;
        start = now();
        for (int i = 0; i < repeats; i++) check(call(functions[1], &two, &results));
        figures[1][round] = (now() - start) / repeats;
        a[0].of.i32 = repeats;
        start = now();
        check(call(functions[2], &one, &results));
        figures[2][round] = (now() - start) / repeats;
    }
    report("host_to_guest_nop", figures[0]);
    report("host_to_guest_add", figures[1]);
    report("guest_to_host", figures[2]);

    double instances[rounds];
    for (int round = 0; round < rounds; round++) {
        double start = now();
        for (int i = 0; i < 2000; i++) {
            wasm_store_t *own = API(wasm_store_new)(engine);
            wasm_functype_t *type = function_type();
            wasm_func_t *function = API(wasm_func_new)(own, type, next);
            API(wasm_functype_delete)(type);
            wasm_extern_t *given[] = {API(wasm_func_as_extern)(function)};
            wasm_extern_vec_t list = WASM_ARRAY_VEC(given), found;
            wasm_instance_t *made = API(wasm_instance_new)(own, module, &list, NULL);
            API(wasm_instance_exports)(made, &found);
            check(call(API(wasm_extern_as_func)(found.data[0]), &none, &none));
            API(wasm_extern_vec_delete)(&found);
            API(wasm_instance_delete)(made);
            API(wasm_func_delete)(function);
            API(wasm_store_delete)(own);
        }
        instances[round] = (now() - start) / 2000;
    }
    report("store_to_drop", instances);
    return 0;
}
