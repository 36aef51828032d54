// Every function of `apus.h`, and what it promises.
#include <apus.h>

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static wasm_module_t *module_of(wasm_engine_t *engine, const char *text) {
    wasm_module_t *module = apus_module_new_text(engine, text, strlen(text));
    CHECK(module != NULL);
    return module;
}

static wasm_instance_t *instance_of(wasm_store_t *store, wasm_engine_t *engine, const char *text) {
    wasm_module_t *module = module_of(engine, text);
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t *instance = wasm_instance_new(store, module, &none, NULL);
    CHECK(instance != NULL);
    wasm_module_delete(module);
    return instance;
}

/// Calls a function without parameters and with at most one result.
static wasm_trap_t *call(const wasm_instance_t *instance, const char *name, wasm_val_t *result) {
    wasm_extern_t *export = apus_instance_export(instance, name);
    CHECK(export != NULL);
    wasm_val_t r[] = {WASM_INIT_VAL};
    wasm_val_vec_t args = WASM_EMPTY_VEC, results = WASM_ARRAY_VEC(r);
    wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(export), &args, &results);
    if (result != NULL) *result = r[0];
    wasm_extern_delete(export);
    return trap;
}

static void trap_is(wasm_trap_t *trap, apus_trap_code_t code) {
    CHECK(trap != NULL);
    CHECK(apus_trap_code(trap) == code);
    wasm_trap_delete(trap);
}

static bool text_is(wasm_name_t *text, const char *expected) {
    bool is = text->size == strlen(expected) + 1 && strcmp(text->data, expected) == 0;
    wasm_name_delete(text);
    return is;
}

#define SPIN "(module (func (export \"spin\") (loop $l (br $l))))"

// MARK: Configuration and limits

static void configuration(void) {
    CHECK(apus_last_error_kind() == APUS_ERROR_NONE && apus_last_error() == NULL);
    wasm_config_t *config = wasm_config_new();
    apus_config_set_compiler(config, APUS_COMPILER_BASELINE);
    apus_config_set_compilation_threads(config, 1);
    apus_config_set_interruption_by_polling(config, true);
    CHECK(apus_config_set_feature(config, "simd", false));
    CHECK(!apus_config_set_feature(config, "teleportation", true));
    CHECK(apus_last_error_kind() == APUS_ERROR_OTHER);
    apus_limits_t limits;
    apus_limits_init(&limits, sizeof limits);
    CHECK(limits.size == sizeof limits && limits.memory_bytes == (uint64_t)1 << 32);
    CHECK(limits.fuel == UINT64_MAX && limits.deadline == UINT64_MAX);
    limits.functions = 2;
    apus_config_set_limits(config, &limits);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    static const char *const refused[] = {
        "(module (func (param v128)))", "(module (func) (func) (func))", "(module (func $x"};
    static const apus_error_kind_t reasons[] = {
        APUS_ERROR_MODULE, APUS_ERROR_RESOURCE, APUS_ERROR_TEXT};
    for (size_t index = 0; index < COUNT(refused); index++) {
        CHECK(apus_module_new_text(engine, refused[index], strlen(refused[index])) == NULL);
        CHECK(apus_last_error_kind() == reasons[index]);
    }
    wasm_store_t *store = wasm_store_new(engine);
    apus_store_set_deadline(store, 5000000);
    wasm_instance_t *instance = instance_of(store, engine, SPIN);
    trap_is(call(instance, "spin", NULL), APUS_TRAP_INTERRUPTED);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);

    config = wasm_config_new();
    apus_config_set_pool(config, 1, 1 << 16, 10);
    engine = wasm_engine_new_with_config(config);
    store = wasm_store_new(engine);
    wasm_module_t *module = module_of(engine, "(module (memory 1))");
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    instance = wasm_instance_new(store, module, &none, NULL);
    CHECK(instance != NULL && wasm_instance_new(store, module, &none, NULL) == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_RESOURCE);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

static void stores(wasm_engine_t *engine) {
    apus_limits_t limits;
    apus_limits_init(&limits, sizeof limits);
    limits.memory_bytes = 2 << 16;
    limits.instances = 1;
    limits.deadline = UINT64_MAX;
    wasm_store_t *store = apus_store_new(engine, &limits);
    wasm_instance_t *instance = instance_of(store, engine,
        "(module (memory 1) (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))");
    wasm_val_t result;
    CHECK(call(instance, "grow", &result) == NULL && result.of.i32 == 1);
    CHECK(call(instance, "grow", &result) == NULL && result.of.i32 == -1);
    wasm_module_t *module = module_of(engine, "(module)");
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap = NULL;
    CHECK(wasm_instance_new(store, module, &none, &trap) == NULL);
    trap_is(trap, APUS_TRAP_HOST);
    apus_store_statistics_t statistics = {.size = sizeof statistics};
    apus_store_statistics(store, &statistics);
    CHECK(statistics.instances == 1 && statistics.memories == 1);
    CHECK(statistics.memory_bytes == 2 << 16 && statistics.peak_memory_bytes == 2 << 16);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    // Without limits of its own a store has as many instances as its host makes.
    store = apus_store_new(engine, NULL);
    apus_store_collect(store);
    CHECK(!apus_store_is_interrupted(store));
    wasm_store_delete(store);
}

static void fuel(void) {
    wasm_config_t *config = wasm_config_new();
    apus_config_set_fuel_metering(config, true);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, engine,
        "(module (func (export \"f\") (result i32) (i32.add (i32.const 1) (i32.const 2))))");
    trap_is(call(instance, "f", NULL), APUS_TRAP_OUT_OF_FUEL);
    apus_store_set_fuel(store, 100);
    CHECK(call(instance, "f", NULL) == NULL);
    CHECK(apus_store_fuel(store) > 50 && apus_store_fuel(store) < 100);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

static void *interrupt_soon(void *interrupt) {
    struct timespec moment = {.tv_nsec = 20000000};
    nanosleep(&moment, NULL);
    apus_interrupt(interrupt);
    apus_interrupt_delete(interrupt);
    return NULL;
}

static void interruption(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, engine, SPIN);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, interrupt_soon, apus_interrupt_new(store)) == 0);
    trap_is(call(instance, "spin", NULL), APUS_TRAP_INTERRUPTED);
    pthread_join(thread, NULL);
    apus_store_set_deadline(store, 10000000);
    trap_is(call(instance, "spin", NULL), APUS_TRAP_INTERRUPTED);
    apus_store_set_deadline(store, UINT64_MAX);
    apus_interrupt_t *late = apus_interrupt_new(store);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    apus_interrupt(late);
    apus_interrupt_delete(late);
}

// MARK: Modules

static void modules(const char *folder) {
    char path[4096], compiled[4096], cache[4096];
    snprintf(path, sizeof path, "%s/module.wat", folder);
    snprintf(compiled, sizeof compiled, "%s/module.apus", folder);
    snprintf(cache, sizeof cache, "%s/cache", folder);
    CHECK(mkdir(cache, 0700) == 0);
    FILE *file = fopen(path, "w");
    fputs("(module (func (export \"f\") (result i32) (i32.const 9)))", file);
    fclose(file);
    wasm_config_t *config = wasm_config_new();
    apus_config_set_cache(config, cache, 0);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_module_t *module = apus_module_new_file(engine, path);
    CHECK(module != NULL);
    apus_module_update_cache(module);
    CHECK(apus_module_serialize_file(module, compiled));
    CHECK(!apus_module_serialize_file(module, "/nowhere/at/all"));
    CHECK(apus_last_error_kind() == APUS_ERROR_FILE);
    wasm_module_t *again = apus_module_deserialize_file(engine, compiled);
    CHECK(again != NULL);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t *instance = wasm_instance_new(store, again, &none, NULL);
    wasm_val_t result;
    CHECK(call(instance, "f", &result) == NULL && result.of.i32 == 9);
    CHECK(apus_instance_export(instance, "g") == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_EXPORT);
    CHECK(apus_module_new_file(engine, "/nowhere/at/all") == NULL);
    CHECK(apus_module_deserialize_file(engine, path) == NULL);
    wasm_byte_vec_t bytes;
    CHECK(apus_text_to_binary("(module)", 8, &bytes) && bytes.size == 8);
    wasm_byte_vec_delete(&bytes);
    CHECK(!apus_text_to_binary("(module \xFF)", 10, &bytes));
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_module_delete(module);
    wasm_module_delete(again);
    wasm_engine_delete(engine);
}

// MARK: Kinds, traps and functions

static int count = 0;
static void finish(void *env) { count += *(int *)env; }

/// Each reference to an object is to the same one, and finds its information.
static void same_objects(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, engine,
        "(module (type $s (struct (field i32))) (global $g (ref $s) (struct.new $s (i32.const 1)))"
        " (tag $t) (global $e (mut exnref) (ref.null exn))"
        " (func (export \"kept\") (result (ref $s)) (global.get $g))"
        " (func (export \"number\") (result (ref i31)) (ref.i31 (i32.const 4)))"
        " (func (export \"exception\") (result exnref) (if (ref.is_null (global.get $e)) (then"
        "  (global.set $e (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t))"
        "   (unreachable))))) (global.get $e))"
        " (func (export \"made\") (result (ref $s)) (struct.new $s (i32.const 1))))");
    static const char *const names[] = {"kept", "number", "exception"};
    int one = 1;
    count = 0;
    for (size_t index = 0; index < COUNT(names); index++) {
        wasm_val_t first, second;
        CHECK(call(instance, names[index], &first) == NULL);
        wasm_ref_set_host_info_with_finalizer(first.of.ref, &one, finish);
        CHECK(call(instance, names[index], &second) == NULL);
        CHECK(wasm_ref_same(first.of.ref, second.of.ref));
        wasm_val_delete(&first);
        apus_store_collect(store);
        CHECK(count == 0 && wasm_ref_get_host_info(second.of.ref) == &one);
        wasm_val_delete(&second);
    }
    wasm_val_t first, second;
    CHECK(call(instance, "made", &first) == NULL && call(instance, "made", &second) == NULL);
    CHECK(!wasm_ref_same(first.of.ref, second.of.ref));
    wasm_val_delete(&first);
    wasm_val_delete(&second);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    CHECK(count == 3);
    count = 0;
}

static void kinds(wasm_engine_t *engine) {
    static const wasm_valkind_t extra[] = {APUS_V128, APUS_ANYREF, APUS_EXNREF};
    for (size_t index = 0; index < COUNT(extra); index++) {
        wasm_valtype_t *type = wasm_valtype_new(extra[index]);
        CHECK(wasm_valtype_kind(type) == extra[index]);
        wasm_valtype_delete(type);
    }
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *thrower = instance_of(store, engine,
        "(module (tag $t (export \"t\") (param i32 f64))"
        " (func (export \"throw\") (throw $t (i32.const 3) (f64.const 0.5)))"
        " (tag $v (export \"v\") (param i32 v128))"
        " (func (export \"throw vector\")"
        "  (throw $v (i32.const 1) (v128.const i64x2 1 2)))"
        " (type $s (struct (field i32)))"
        " (func (export \"make\") (result (ref $s)) (struct.new $s (i32.const 5))))");
    wasm_extern_t *tag = apus_instance_export(thrower, "t");
    CHECK(wasm_extern_kind(tag) == APUS_EXTERN_TAG);
    wasm_externtype_t *type = wasm_extern_type(tag);
    CHECK(wasm_externtype_kind(type) == APUS_EXTERN_TAG);
    CHECK(apus_externtype_tag_params(type)->size == 2);
    wasm_externtype_delete(type);
    type = wasm_functype_as_externtype(wasm_functype_new_0_0());
    CHECK(apus_externtype_tag_params(type) == NULL);
    wasm_externtype_delete(type);
    wasm_trap_t *trap = call(thrower, "throw", NULL);
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    CHECK(text_is(&message, "uncaught exception t(i32(3), f64(0.5))"));
    CHECK(apus_trap_has_tag(trap, tag));
    wasm_val_vec_t carried;
    CHECK(apus_trap_exception_values(trap, store, &carried) && carried.size == 2);
    CHECK(carried.data[0].of.i32 == 3 && carried.data[1].of.f64 == 0.5);
    wasm_val_vec_delete(&carried);
    trap_is(trap, APUS_TRAP_EXCEPTION);
    wasm_val_t object;
    wasm_extern_t *vector = apus_instance_export(thrower, "v");
    trap = call(thrower, "throw vector", NULL);
    CHECK(apus_trap_has_tag(trap, vector) && !apus_trap_exception_values(trap, store, &carried));
    CHECK(apus_last_error_kind() == APUS_ERROR_TYPE);
    wasm_trap_delete(trap);
    wasm_extern_delete(vector);
    CHECK(call(thrower, "make", &object) == NULL && object.kind == APUS_ANYREF);
    CHECK(object.of.ref != NULL && wasm_ref_as_foreign(object.of.ref) == NULL);
    same_objects(engine);

    // A tag goes from an export to an import, and an exception from guest to host to guest.
    wasm_module_t *catcher = module_of(engine,
        "(module (import \"\" \"t\" (tag $t (param i32 f64))) (import \"\" \"throw\" (func $f))"
        " (func (export \"catch\") (result i32) (local f64)"
        "  (block $h (result i32 f64) (try_table (catch $t $h) (call $f)) (unreachable))"
        "  (local.set 0)))");
    apus_linker_t *linker = apus_linker_new(engine);
    CHECK(apus_linker_define_instance(linker, "", thrower));
    wasm_instance_t *instance = apus_linker_instantiate(linker, store, catcher, &trap);
    CHECK(instance != NULL && trap == NULL);
    wasm_val_t result;
    CHECK(call(instance, "catch", &result) == NULL && result.of.i32 == 3);
    wasm_val_delete(&object);
    apus_linker_delete(linker);
    wasm_extern_delete(tag);
    wasm_instance_delete(thrower);
    wasm_instance_delete(instance);
    wasm_module_delete(catcher);
    wasm_store_delete(store);
}

// No value holds a vector: globals of them are left alone, and who asks is told.
static void vector_globals(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, engine,
        "(module (global $g (export \"g\") (mut v128) (v128.const i64x2 7 8))"
        " (func (export \"low\") (result i64) (i64x2.extract_lane 0 (global.get $g))))");
    wasm_extern_t *item = apus_instance_export(instance, "g");
    wasm_global_t *global = wasm_extern_as_global(item);
    wasm_val_t value;
    memset(&value, 0xFF, sizeof value);
    wasm_global_get(global, &value);
    CHECK(apus_last_error_kind() == APUS_ERROR_TYPE);
    CHECK(value.kind == WASM_I32 && value.of.i64 == 0);
    wasm_val_t given[] = {WASM_I64_VAL(3), WASM_INIT_VAL};
    given[1].kind = APUS_V128;
    for (size_t index = 0; index < COUNT(given); index++) {
        wasm_global_set(global, &given[index]);
        CHECK(apus_last_error_kind() == APUS_ERROR_TYPE);
        CHECK(strstr(apus_last_error(), "no wasm_val_t holds a vector") != NULL);
        wasm_valtype_t *content = wasm_valtype_new(APUS_V128);
        wasm_globaltype_t *type = wasm_globaltype_new(content, WASM_VAR);
        CHECK(wasm_global_new(store, type, &given[index]) == NULL);
        CHECK(apus_last_error_kind() == APUS_ERROR_TYPE);
        wasm_globaltype_delete(type);
    }
    CHECK(call(instance, "low", &value) == NULL && value.of.i64 == 7);
    wasm_extern_delete(item);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
}

static void names(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, engine,
        "(module (func $_ZN3foo3barEi (unreachable))"
        " (func (export \"run\") (call $_ZN3foo3barEi)))");
    wasm_trap_t *trap = call(instance, "run", NULL);
    int32_t status;
    CHECK(apus_trap_code(trap) == APUS_TRAP_UNREACHABLE && !apus_trap_exit_status(trap, &status));
    wasm_frame_t *frame = wasm_trap_origin(trap);
    wasm_name_t name;
    apus_frame_func_name(frame, &name);
    CHECK(text_is(&name, "_ZN3foo3barEi"));
    apus_frame_source_name(frame, &name);
    CHECK(text_is(&name, "foo::bar(int)"));
    apus_trap_description(trap, &name);
    CHECK(strstr(name.data, "unreachable\n  at foo::bar(int) (module+0x") == name.data);
    CHECK(strstr(name.data, "\n  at run (module+0x") != NULL);
    wasm_name_delete(&name);
    wasm_frame_delete(frame);
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
}

static wasm_trap_t *length(
    void *env, const apus_caller_t *caller, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)env;
    size_t size = 0;
    byte_t *memory = apus_caller_memory(caller, &size);
    if (args->data[0].of.i32 < 0) {
        CHECK(memory == NULL);
        results->data[0].of.i32 = -1;
        return NULL;
    }
    CHECK(memory != NULL && size == 65536);
    wasm_extern_t *found = apus_caller_export(caller, "memory");
    CHECK(wasm_memory_data(wasm_extern_as_memory(found)) == memory);
    wasm_extern_delete(found);
    CHECK(apus_caller_export(caller, "nothing") == NULL);
    results->data[0].of.i32 = (int32_t)strlen(memory + args->data[0].of.i32);
    return NULL;
}

static wasm_trap_t *nothing(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)args, (void)results;
    return NULL;
}

static wasm_trap_t *swap(void *env, const apus_caller_t *caller, uint64_t *cells) {
    (void)caller;
    ++*(int *)env;
    uint64_t low = cells[0];
    cells[0] = cells[1];
    cells[1] = low;
    return NULL;
}

static void functions(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    int finalizer_count = 1, calls = 0;
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *host = apus_func_new(store, type, length, &finalizer_count, finish);
    wasm_functype_delete(type);
    wasm_val_t a[] = {WASM_I32_VAL(-1)}, r[] = {WASM_INIT_VAL};
    wasm_val_vec_t args = WASM_ARRAY_VEC(a), results = WASM_ARRAY_VEC(r);
    CHECK(wasm_func_call(host, &args, &results) == NULL && r[0].of.i32 == -1);

    type = wasm_functype_new_1_1(wasm_valtype_new(APUS_V128), wasm_valtype_new(APUS_V128));
    wasm_func_t *vector = apus_func_new_cells(store, type, swap, &calls, NULL);
    CHECK(vector != NULL);
    wasm_functype_delete(type);
    type = wasm_functype_new_1_0(wasm_valtype_new(APUS_V128));
    CHECK(wasm_func_new(store, type, nothing) == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_TYPE);
    wasm_functype_delete(type);
    type = wasm_functype_new_1_0(wasm_valtype_new_externref());
    CHECK(apus_func_new_cells(store, type, swap, &finalizer_count, finish) == NULL);
    wasm_functype_delete(type);
    CHECK(apus_last_error_kind() == APUS_ERROR_TYPE && count == 1);

    apus_linker_t *linker = apus_linker_new(engine);
    apus_linker_define(linker, "env", "length", wasm_func_as_extern(host));
    apus_linker_define(linker, "env", "swap", wasm_func_as_extern(vector));
    wasm_module_t *module = module_of(engine,
        "(module (import \"env\" \"length\" (func $length (param i32) (result i32)))"
        " (import \"env\" \"swap\" (func $swap (param v128) (result v128)))"
        " (memory (export \"memory\") 1) (data (i32.const 8) \"hello\")"
        " (func (export \"run\") (result i32) (call $length (i32.const 8)))"
        " (func (export \"swap\") (param v128) (result v128) (call $swap (local.get 0))))");
    wasm_instance_t *instance = apus_linker_instantiate(linker, store, module, NULL);
    CHECK(instance != NULL);
    wasm_val_t result;
    CHECK(call(instance, "run", &result) == NULL && result.of.i32 == 5);

    wasm_extern_t *export = apus_instance_export(instance, "swap");
    wasm_func_t *function = wasm_extern_as_func(export);
    uint64_t cells[2] = {1, 2};
    CHECK(apus_func_cell_count(function) == 2);
    CHECK(apus_func_call_cells(function, cells, 2) == NULL);
    CHECK(cells[0] == 2 && cells[1] == 1 && calls == 1);
    trap_is(apus_func_call_cells(function, cells, 1), APUS_TRAP_HOST);
    wasm_trap_t *trap = wasm_func_call(function, &args, &results);
    trap_is(trap, APUS_TRAP_HOST);
    wasm_extern_delete(export);

    wasm_module_t *other = module_of(engine, "(module (import \"env\" \"none\" (func)))");
    CHECK(apus_linker_instantiate(linker, store, other, &trap) == NULL);
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    CHECK(text_is(&message, "unknown import: env.none (function [] -> [])"));
    wasm_trap_delete(trap);
    wasm_module_delete(other);
    wasm_module_delete(module);
    wasm_instance_delete(instance);
    wasm_func_delete(host);
    wasm_func_delete(vector);
    wasm_store_delete(store);
    // The linker has something of the store.
    CHECK(count == 1);
    apus_linker_delete(linker);
    CHECK(count == 2);
}

// MARK: Exceptions

static wasm_trap_t *throw(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)results;
    return apus_exception_new(env, args);
}

static void exceptions(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_valtype_t *types[] = {wasm_valtype_new_i32()};
    wasm_valtype_vec_t params;
    wasm_valtype_vec_new(&params, 1, types);
    wasm_extern_t *tag = apus_tag_new(store, &params);
    CHECK(wasm_extern_kind(tag) == APUS_EXTERN_TAG && params.size == 0);
    wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
    wasm_func_t *thrower = wasm_func_new_with_env(store, type, throw, tag, NULL);
    wasm_functype_delete(type);
    wasm_module_t *module = module_of(engine,
        "(module (import \"\" \"t\" (tag $t (param i32)))"
        " (import \"\" \"throw\" (func $throw (param i32)))"
        " (func (export \"caught\") (result i32)"
        "  (block $h (result i32) (try_table (catch $t $h) (call $throw (i32.const 8)))"
        "   (unreachable)))"
        " (func (export \"thrown\") (call $throw (i32.const 9))))");
    wasm_extern_t *items[] = {tag, wasm_func_as_extern(thrower)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
    CHECK(instance != NULL);
    wasm_val_t result;
    CHECK(call(instance, "caught", &result) == NULL && result.of.i32 == 8);
    wasm_trap_t *trap = call(instance, "thrown", NULL);
    wasm_val_vec_t carried, none = WASM_EMPTY_VEC;
    CHECK(apus_trap_has_tag(trap, tag));
    CHECK(apus_trap_exception_values(trap, store, &carried) && carried.data[0].of.i32 == 9);
    wasm_store_t *other = wasm_store_new(engine);
    CHECK(!apus_trap_exception_values(trap, other, &carried));
    wasm_store_delete(other);
    wasm_val_vec_delete(&carried);
    trap_is(trap, APUS_TRAP_EXCEPTION);
    CHECK(apus_exception_new(tag, &none) == NULL && apus_last_error_kind() == APUS_ERROR_TYPE);
    wasm_message_t message = {3, "no"};
    trap = wasm_trap_new(store, &message);
    CHECK(!apus_trap_has_tag(trap, tag) && !apus_trap_exception_values(trap, store, &carried));
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_func_delete(thrower);
    wasm_extern_delete(tag);
    wasm_store_delete(store);
}

// MARK: WASI

static char output[256];
static void append(void *env, const byte_t *bytes, size_t size) {
    (void)env;
    CHECK(strlen(output) + size < sizeof output);
    strncat(output, bytes, size);
}

/// A finalizer may use what its output was of.
static void set_anew(void *wasi) {
    apus_wasi_set_input(wasi, "input", 5);
    count++;
}

/// Writes its first argument, its input and its variables' number to `fd`, and exits with 3.
#define PROGRAM \
    "(module (import \"wasi_snapshot_preview1\" \"args_get\"" \
    "  (func $args (param i32 i32) (result i32)))" \
    " (import \"wasi_snapshot_preview1\" \"environ_sizes_get\"" \
    "  (func $environ (param i32 i32) (result i32)))" \
    " (import \"wasi_snapshot_preview1\" \"fd_read\"" \
    "  (func $read (param i32 i32 i32 i32) (result i32)))" \
    " (import \"wasi_snapshot_preview1\" \"fd_write\"" \
    "  (func $write (param i32 i32 i32 i32) (result i32)))" \
    " (import \"wasi_snapshot_preview1\" \"path_open\" (func $open" \
    "  (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))" \
    " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))" \
    " (memory (export \"memory\") 1) (data (i32.const 600) \"module.wat\")" \
    " (func $put (param i32 i32 i32)" \
    "  (i32.store (i32.const 0) (local.get 1)) (i32.store (i32.const 4) (local.get 2))" \
    "  (drop (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 8))))" \
    " (func (export \"_start\")" \
    "  (drop (call $args (i32.const 16) (i32.const 32)))" \
    "  (call $put (i32.const 1) (i32.load (i32.const 16)) (i32.const 4))" \
    "  (i32.store (i32.const 0) (i32.const 200)) (i32.store (i32.const 4) (i32.const 50))" \
    "  (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))" \
    "  (call $put (i32.const 2) (i32.const 200) (i32.load (i32.const 8)))" \
    "  (drop (call $environ (i32.const 8) (i32.const 12)))" \
    "  (i32.store (i32.const 300) (i32.add (i32.load (i32.const 8)) (i32.const 48)))" \
    "  (call $put (i32.const 1) (i32.const 300) (i32.const 1))" \
    "  (call $exit (i32.add (i32.const 3)" \
    "   (call $open (i32.const 3) (i32.const 0) (i32.const 600) (i32.const 10) (i32.const 0)" \
    "    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 12))))))"

static void programs(wasm_engine_t *engine, const char *folder) {
    apus_wasi_t *wasi = apus_wasi_new();
    static const char *const arguments[] = {"name", "x"}, *const variables[] = {"A=B=C", "D"};
    apus_wasi_set_arguments(wasi, 2, arguments);
    apus_wasi_set_environment(wasi, 2, variables);
    apus_wasi_set_input(wasi, "input", 5);
    count = 0;
    apus_wasi_set_output(wasi, append, wasi, set_anew);
    apus_wasi_set_error_output(wasi, append, wasi, set_anew);
    apus_wasi_inherit_streams(wasi);
    CHECK(count == 2);
    int once = 10;
    count = 0;
    apus_wasi_set_output(wasi, append, &once, finish);
    apus_wasi_set_output(wasi, append, NULL, NULL);
    CHECK(count == 10);
    apus_wasi_set_error_output(wasi, append, NULL, NULL);
    apus_wasi_inherit_clocks_and_random(wasi);
    apus_wasi_preopen(wasi, "/", folder, false);
    wasm_module_t *module = module_of(engine, PROGRAM);
    wasm_store_t *store = wasm_store_new(engine);
    int32_t status = 0;
    wasm_trap_t *trap = NULL;
    CHECK(apus_wasi_run(wasi, store, module, &status, &trap) && trap == NULL);
    CHECK(status == 3);
    CHECK(strcmp(output, "nameinput2") == 0);

    // The same through a linker, where the end shows as a trap.
    apus_linker_t *linker = apus_linker_new(engine);
    CHECK(apus_linker_define_wasi(linker, wasi));
    wasm_instance_t *instance = apus_linker_instantiate(linker, store, module, NULL);
    trap = call(instance, "_start", NULL);
    CHECK(apus_trap_code(trap) == APUS_TRAP_EXIT && apus_trap_exit_status(trap, &status));
    CHECK(status == 3);
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);

    wasm_module_t *reactor = module_of(engine,
        "(module (global $g (mut i32) (i32.const 0)) (memory (export \"memory\") 1)"
        " (func (export \"_initialize\") (global.set $g (i32.const 4)))"
        " (func (export \"get\") (result i32) (global.get $g)))");
    instance = apus_wasi_instantiate(wasi, store, reactor, &trap);
    wasm_val_t result;
    CHECK(call(instance, "get", &result) == NULL && result.of.i32 == 4);
    wasm_module_t *no_program = module_of(engine, "(module)");
    CHECK(!apus_wasi_run(wasi, store, no_program, &status, &trap));
    wasm_module_delete(no_program);
    CHECK(apus_last_error_kind() == APUS_ERROR_EXPORT);
    wasm_trap_delete(trap);
    apus_wasi_preopen(wasi, "/none", "/nowhere/at/all", true);
    CHECK(!apus_linker_define_wasi(linker, wasi));
    CHECK(apus_last_error_kind() == APUS_ERROR_FILE);
    apus_wasi_inherit_streams(wasi);
    apus_linker_delete(linker);
    apus_wasi_delete(wasi);
    wasm_instance_delete(instance);
    wasm_module_delete(reactor);
    wasm_module_delete(module);
    wasm_store_delete(store);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    configuration();
    wasm_engine_t *engine = wasm_engine_new();
    stores(engine);
    fuel();
    interruption(engine);
    modules(argv[1]);
    kinds(engine);
    vector_globals(engine);
    names(engine);
    functions(engine);
    exceptions(engine);
    programs(engine, argv[1]);
    wasm_engine_delete(engine);
    puts("extensions: done");
    return 0;
}
