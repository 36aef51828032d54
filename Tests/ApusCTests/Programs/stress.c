// Makes and deletes stores, instances, functions and modules again and again, after which nothing
// may be left of them. Arguments: how many stores.
#include <apus.h>

#include <unistd.h>

#include "check.h"

static long live = 0;
static void finish(void *env) { *(long *)env -= 1; }

static wasm_trap_t *next(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)env;
    wasm_val_copy(&results->data[0], &args->data[0]);
    return NULL;
}

/// What the process has in memory, in KiB.
static long resident(void) {
    long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &total, &pages) != 2) pages = 0;
        fclose(file);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static const char text[] =
    "(module (import \"\" \"next\" (func $next (param externref) (result externref)))"
    " (memory (export \"memory\") 1) (global $kept (mut externref) (ref.null extern))"
    " (func (export \"run\") (param externref) (result externref)"
    "  (global.set $kept (call $next (local.get 0))) (global.get $kept))"
    " (func (export \"fail\") (unreachable)))";

static void once(wasm_engine_t *engine, const wasm_shared_module_t *shared) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = wasm_module_obtain(store, shared);
    wasm_functype_t *type =
        wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref());
    wasm_func_t *host = wasm_func_new_with_env(store, type, next, &live, finish);
    live += 2;
    wasm_extern_t *items[] = {wasm_func_as_extern(host)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
    wasm_instance_set_host_info_with_finalizer(instance, &live, finish);
    wasm_instance_exports(instance, &exports);
    wasm_val_t a[] = {WASM_REF_VAL(wasm_instance_as_ref(instance))}, r[] = {WASM_INIT_VAL};
    wasm_val_vec_t args = WASM_ARRAY_VEC(a), results = WASM_ARRAY_VEC(r), none = WASM_EMPTY_VEC;
    CHECK(wasm_func_call(wasm_extern_as_func(exports.data[1]), &args, &results) == NULL);
    CHECK(wasm_ref_same(r[0].of.ref, a[0].of.ref));
    wasm_val_delete(&r[0]);
    wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(exports.data[2]), &none, &none);
    CHECK(apus_trap_code(trap) == APUS_TRAP_UNREACHABLE);
    wasm_frame_t *frame = wasm_trap_origin(trap);
    CHECK(wasm_instance_same(wasm_frame_instance(frame), instance));
    wasm_frame_delete(frame);
    wasm_trap_delete(trap);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_func_delete(host);
    wasm_functype_delete(type);
    wasm_module_delete(module);
    wasm_store_delete(store);
}

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : 100000, warm = 0;
    wasm_engine_t *engine = wasm_engine_new();
    wasm_module_t *module = apus_module_new_text(engine, text, sizeof text - 1);
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    for (long index = 0; index < count; index++) {
        if (index == count / 2) warm = resident();
        once(engine, shared);
        CHECK(live == 0);
        // Modules of their own, too, which are compiled and dropped.
        if (index % 100 == 0) wasm_module_delete(apus_module_new_text(engine, "(module)", 8));
    }
    long grown = resident() - warm;
    wasm_shared_module_delete(shared);
    wasm_engine_delete(engine);
    printf("%ld stores: %ld KiB more than at half\n", count, grown);
    // Whatever was leaked with each store would be more than this. In few rounds it is not seen
    // among what allocators and sanitizers keep; the latter see it by themselves.
    return count >= 10000 && grown > count / 64 + 1024;
}
