// Which instances the frames of a trap ran in, when all of them are of one module.
#include <apus.h>

#include "check.h"

/// Each instance calls the one before it: `next`. The exports before the empty name go on there,
/// those behind it end in a trap.
static const char text[] =
    "(module (type $v (func)) (import \"\" \"next\" (func $next (type $v)))"
    " (import \"\" \"stop\" (func $stop (type $v)))"
    " (table 1 funcref) (elem (i32.const 0) $next) (memory 1) (data $d \"x\") (tag $e)"
    " (global $r (mut (ref null $v)) (ref.func $next))"
    " (func $inner (call $next))"
    " (func (export \"call\") (call $inner))"
    " (func (export \"indirect\") (call_indirect (type $v) (i32.const 0)))"
    " (func (export \"reference\") (call_ref $v (global.get $r)))"
    " (func (export \"tail\") (return_call $next))"
    " (func (export \"tail reference\") (return_call_ref $v (global.get $r)))"
    " (func (export \"unreachable\") (unreachable))"
    " (func (export \"outside\") (drop (i32.load (i32.const -1))))"
    " (func (export \"init\") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 9)))"
    " (func (export \"stop\") (call $stop))"
    " (func (export \"throw\") (throw $e))"
    " (func (export \"spin\") (call $stop) (loop $l (br $l))))";

static const struct {
    const char *name;
    size_t frames;
} ways[] = {{"call", 2}, {"indirect", 1}, {"reference", 1}, {"tail", 0}, {"tail reference", 0}};
static const char *const ends[] = {"unreachable", "outside", "init", "stop", "throw", "spin"};

/// Ends its guest, or has it end soon.
static bool ends_soon = false;
static wasm_trap_t *stop(void *store, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)args, (void)results;
    if (ends_soon) {
        apus_store_set_deadline(store, 1000000);
        return NULL;
    }
    wasm_message_t message = {5, "stop"};
    return wasm_trap_new(store, &message);
}

/// Calls another instance from outside of guests.
static wasm_trap_t *pass_on(void *item, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    return wasm_func_call(wasm_extern_as_func(item), args, results);
}

/// The instance of each frame is the one that is expected.
static void frames_are(wasm_trap_t *trap, size_t count, wasm_instance_t *const instances[]) {
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == count);
    for (size_t index = 0; index < count; index++) {
        wasm_instance_t *found = wasm_frame_instance(frames.data[index]);
        CHECK(found != NULL && wasm_instance_same(found, instances[index]));
    }
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);
}

/// One instance, which ends in `end`, and two more, each of which goes on to the one before it in
/// one of the `ways`; the outer one by way of the host if `by_host`.
static void chain(
    wasm_engine_t *engine, const wasm_shared_module_t *shared, const char *end,
    const size_t chosen[2], bool by_host) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = wasm_module_obtain(store, shared);
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *stopper = wasm_func_new_with_env(store, type, stop, store, NULL), *host = NULL;
    wasm_instance_t *instances[3], *expected[5];
    wasm_extern_t *next = NULL, *called[3];
    size_t count = 0;
    expected[count++] = NULL;
    for (size_t place = 0; place < 3; place++) {
        wasm_extern_t *items[] = {wasm_func_as_extern(stopper), wasm_func_as_extern(stopper)};
        if (next != NULL) items[0] = next;
        if (by_host && place == 2) {
            host = wasm_func_new_with_env(store, type, pass_on, next, NULL);
            items[0] = wasm_func_as_extern(host);
        }
        wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
        instances[place] = wasm_instance_new(store, module, &imports, NULL);
        CHECK(instances[place] != NULL);
        const char *name = place == 0 ? end : ways[chosen[place - 1]].name;
        next = called[place] = apus_instance_export(instances[place], name);
        size_t frames = place == 0 ? 0 : ways[chosen[place - 1]].frames;
        for (size_t frame = 0; frame < frames; frame++) expected[count++] = instances[place];
    }
    expected[0] = instances[0];
    ends_soon = strcmp(end, "spin") == 0;
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(next), &none, &none);
    CHECK(trap != NULL);
    frames_are(trap, count, expected);
    for (size_t place = 0; place < 3; place++) {
        wasm_extern_delete(called[place]);
        wasm_instance_delete(instances[place]);
    }
    wasm_func_delete(host);
    wasm_func_delete(stopper);
    wasm_functype_delete(type);
    wasm_module_delete(module);
    wasm_store_delete(store);
}

static void chains(apus_compiler_t compiler) {
    wasm_config_t *config = wasm_config_new();
    apus_config_set_compiler(config, compiler);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_module_t *module = apus_module_new_text(engine, text, sizeof text - 1);
    CHECK(module != NULL);
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    for (size_t end = 0; end < COUNT(ends); end++) {
        for (size_t pair = 0; pair < COUNT(ways) * COUNT(ways) * 2; pair++) {
            size_t chosen[] = {pair / 2 % COUNT(ways), pair / 2 / COUNT(ways)};
            chain(engine, shared, ends[end], chosen, pair % 2 == 1);
        }
    }
    wasm_shared_module_delete(shared);
    wasm_engine_delete(engine);
}

// Guests of one store that are called by those of another, of the same module: each frame is looked
// for in its own store.
static void two_stores(wasm_engine_t *engine) {
    wasm_module_t *module = apus_module_new_text(engine, text, sizeof text - 1);
    wasm_store_t *stores[] = {wasm_store_new(engine), wasm_store_new(engine)};
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *functions[2];
    wasm_instance_t *instances[2];
    wasm_extern_t *inner = NULL, *outer = NULL;
    for (size_t place = 0; place < 2; place++) {
        functions[place] = place == 0
            ? wasm_func_new_with_env(stores[place], type, stop, stores[place], NULL)
            : wasm_func_new_with_env(stores[place], type, pass_on, inner, NULL);
        wasm_extern_t *items[] = {
            wasm_func_as_extern(functions[place]), wasm_func_as_extern(functions[place])};
        wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
        instances[place] = wasm_instance_new(stores[place], module, &imports, NULL);
        if (place == 0) inner = apus_instance_export(instances[place], "unreachable");
        if (place == 1) outer = apus_instance_export(instances[place], "indirect");
    }
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(outer), &none, &none);
    frames_are(trap, 2, instances);
    wasm_extern_delete(inner);
    wasm_extern_delete(outer);
    for (size_t place = 0; place < 2; place++) {
        wasm_func_delete(functions[place]);
        wasm_instance_delete(instances[place]);
        wasm_store_delete(stores[place]);
    }
    wasm_functype_delete(type);
    wasm_module_delete(module);
}

static wasm_trap_t *kept = NULL;
static wasm_trap_t *give_kept(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)args, (void)results;
    return wasm_trap_copy(kept);
}

// A trap that the host has kept says where it was returned last.
static void same_trap_again(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = apus_module_new_text(engine, text, sizeof text - 1);
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *function = wasm_func_new(store, type, give_kept);
    wasm_extern_t *items[] = {wasm_func_as_extern(function), wasm_func_as_extern(function)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
    wasm_message_t message = {5, "kept"};
    kept = wasm_trap_new(store, &message);
    static const char *const names[] = {"call", "stop", "indirect"};
    static const size_t counts[] = {2, 1, 1};
    for (size_t index = 0; index < COUNT(names); index++) {
        wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
        wasm_extern_t *export = apus_instance_export(instance, names[index]);
        wasm_val_vec_t none = WASM_EMPTY_VEC;
        wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(export), &none, &none);
        CHECK(wasm_trap_same(trap, kept));
        wasm_instance_t *expected[] = {instance, instance};
        frames_are(trap, counts[index], expected);
        wasm_extern_delete(export);
        wasm_instance_delete(instance);
    }
    wasm_trap_delete(kept);
    wasm_func_delete(function);
    wasm_functype_delete(type);
    wasm_module_delete(module);
    wasm_store_delete(store);
}

int main(void) {
    chains(APUS_COMPILER_TIERED);
    chains(APUS_COMPILER_BASELINE);
    chains(APUS_COMPILER_OPTIMIZING);
    wasm_engine_t *engine = wasm_engine_new();
    two_stores(engine);
    same_trap_again(engine);
    wasm_engine_delete(engine);
    puts("frames: done");
    return 0;
}
