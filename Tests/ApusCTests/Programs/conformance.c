// Every function of `wasm.h`, and what it promises.
#include <apus.h>
#include <wasm.h>

#include <pthread.h>

#include "check.h"

static int finalized = 0;
static void finalize(void *info) { finalized += *(int *)info; }
static int one = 1;

static wasm_byte_vec_t binary(const char *text) {
    wasm_byte_vec_t bytes;
    CHECK(apus_text_to_binary(text, strlen(text), &bytes));
    return bytes;
}

static wasm_module_t *module_of(wasm_store_t *store, const char *text) {
    wasm_byte_vec_t bytes = binary(text);
    wasm_module_t *module = wasm_module_new(store, &bytes);
    CHECK(module != NULL);
    wasm_byte_vec_delete(&bytes);
    return module;
}

static bool name_is(const wasm_name_t *name, const char *text) {
    return name->size == strlen(text) && memcmp(name->data, text, name->size) == 0;
}

// MARK: Vectors and names

static void vectors(void) {
    wasm_byte_vec_t bytes, copy;
    wasm_byte_vec_new_empty(&bytes);
    CHECK(bytes.size == 0 && bytes.data == NULL);
    wasm_byte_vec_delete(&bytes);
    wasm_byte_vec_new_uninitialized(&bytes, 3);
    CHECK(bytes.size == 3);
    memcpy(bytes.data, "abc", 3);
    wasm_byte_vec_copy(&copy, &bytes);
    CHECK(name_is(&copy, "abc") && copy.data != bytes.data);
    wasm_byte_vec_delete(&bytes);
    CHECK(bytes.size == 0 && bytes.data == NULL);
    wasm_byte_vec_delete(&bytes);
    wasm_byte_vec_delete(&copy);
    wasm_byte_vec_new(&bytes, 2, "xy");
    CHECK(name_is(&bytes, "xy"));
    wasm_byte_vec_delete(&bytes);

    wasm_name_t name;
    wasm_name_new_from_string(&name, "name");
    CHECK(name_is(&name, "name"));
    wasm_name_delete(&name);
    wasm_name_new_from_string_nt(&name, "name");
    CHECK(name.size == 5 && name.data[4] == 0);
    wasm_name_copy(&copy, &name);
    wasm_name_delete(&name);
    CHECK(copy.size == 5);
    wasm_name_delete(&copy);
    wasm_name_new_empty(&name);
    wasm_name_new_new_uninitialized(&name, 0);
    CHECK(name.size == 0);
    wasm_name_new(&name, 1, "n");
    CHECK(name_is(&name, "n"));
    wasm_name_delete(&name);
    assertions();
}

/// The functions of a vector of pointers, with one element that is `made`.
#define POINTER_VECTOR(name, made) \
    do { \
        wasm_##name##_vec_t vector, copy; \
        wasm_##name##_vec_new_empty(&vector); \
        CHECK(vector.size == 0); \
        wasm_##name##_vec_new_uninitialized(&vector, 2); \
        CHECK(vector.size == 2 && vector.data[0] == NULL && vector.data[1] == NULL); \
        vector.data[1] = (made); \
        wasm_##name##_vec_copy(&copy, &vector); \
        CHECK(copy.size == 2 && copy.data[0] == NULL); \
        CHECK(copy.data[1] != NULL && copy.data[1] != vector.data[1]); \
        wasm_##name##_vec_delete(&vector); \
        wasm_##name##_t *element = copy.data[1]; \
        copy.data[1] = NULL; \
        wasm_##name##_vec_delete(&copy); \
        wasm_##name##_vec_new(&vector, 1, &element); \
        CHECK(vector.size == 1 && vector.data[0] == element); \
        wasm_##name##_vec_delete(&vector); \
    } while (0)

// MARK: Types

static void value_types(void) {
    static const wasm_valkind_t kinds[] = {
        WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_EXTERNREF, WASM_FUNCREF};
    for (size_t index = 0; index < COUNT(kinds); index++) {
        wasm_valtype_t *type = wasm_valtype_new(kinds[index]);
        CHECK(wasm_valtype_kind(type) == kinds[index]);
        CHECK(wasm_valtype_is_num(type) == (index < 4));
        CHECK(wasm_valtype_is_ref(type) == (index >= 4));
        CHECK(wasm_valkind_is_num(kinds[index]) != wasm_valkind_is_ref(kinds[index]));
        wasm_valtype_t *copy = wasm_valtype_copy(type);
        wasm_valtype_delete(type);
        CHECK(wasm_valtype_kind(copy) == kinds[index]);
        wasm_valtype_delete(copy);
    }
    CHECK(wasm_valtype_new(77) == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_TYPE);
    wasm_valtype_t *short_ways[] = {
        wasm_valtype_new_i32(), wasm_valtype_new_i64(), wasm_valtype_new_f32(),
        wasm_valtype_new_f64(), wasm_valtype_new_externref(), wasm_valtype_new_funcref()};
    for (size_t index = 0; index < COUNT(short_ways); index++) {
        CHECK(wasm_valtype_kind(short_ways[index]) == kinds[index]);
        wasm_valtype_delete(short_ways[index]);
    }
    POINTER_VECTOR(valtype, wasm_valtype_new_i32());
    wasm_valtype_delete(NULL);
}

static void function_type_is(wasm_functype_t *type, size_t params, size_t results) {
    static const wasm_valkind_t kinds[] = {WASM_I32, WASM_I64, WASM_F32};
    const wasm_valtype_vec_t *ps = wasm_functype_params(type);
    const wasm_valtype_vec_t *rs = wasm_functype_results(type);
    CHECK(ps->size == params && rs->size == results);
    for (size_t index = 0; index < params; index++) {
        CHECK(wasm_valtype_kind(ps->data[index]) == kinds[index]);
    }
    for (size_t index = 0; index < results; index++) {
        CHECK(wasm_valtype_kind(rs->data[index]) == kinds[index]);
    }
    wasm_functype_delete(type);
}

static void function_types(void) {
#define A wasm_valtype_new_i32()
#define B wasm_valtype_new_i64()
#define C wasm_valtype_new_f32()
    function_type_is(wasm_functype_new_0_0(), 0, 0);
    function_type_is(wasm_functype_new_1_0(A), 1, 0);
    function_type_is(wasm_functype_new_2_0(A, B), 2, 0);
    function_type_is(wasm_functype_new_3_0(A, B, C), 3, 0);
    function_type_is(wasm_functype_new_0_1(A), 0, 1);
    function_type_is(wasm_functype_new_1_1(A, A), 1, 1);
    function_type_is(wasm_functype_new_2_1(A, B, A), 2, 1);
    function_type_is(wasm_functype_new_3_1(A, B, C, A), 3, 1);
    function_type_is(wasm_functype_new_0_2(A, B), 0, 2);
    function_type_is(wasm_functype_new_1_2(A, A, B), 1, 2);
    function_type_is(wasm_functype_new_2_2(A, B, A, B), 2, 2);
    function_type_is(wasm_functype_new_3_2(A, B, C, A, B), 3, 2);
    wasm_functype_t *type = wasm_functype_new_1_0(A);
    function_type_is(wasm_functype_copy(type), 1, 0);
    function_type_is(type, 1, 0);
    POINTER_VECTOR(functype, wasm_functype_new_1_1(A, B));
}

static void other_types(void) {
    wasm_globaltype_t *global = wasm_globaltype_new(wasm_valtype_new_f64(), WASM_VAR);
    CHECK(wasm_valtype_kind(wasm_globaltype_content(global)) == WASM_F64);
    CHECK(wasm_globaltype_mutability(global) == WASM_VAR);
    wasm_globaltype_t *constant = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST);
    CHECK(wasm_globaltype_mutability(constant) == WASM_CONST);
    wasm_globaltype_delete(constant);

    wasm_limits_t limits = {2, 5}, open = {1, wasm_limits_max_default};
    wasm_tabletype_t *table = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_FUNCREF);
    CHECK(wasm_tabletype_limits(table)->min == 2 && wasm_tabletype_limits(table)->max == 5);
    wasm_memorytype_t *memory = wasm_memorytype_new(&open);
    CHECK(wasm_memorytype_limits(memory)->min == 1);
    CHECK(wasm_memorytype_limits(memory)->max == wasm_limits_max_default);
    wasm_functype_t *function = wasm_functype_new_0_0();

    wasm_externtype_t *types[] = {
        wasm_functype_as_externtype(function), wasm_globaltype_as_externtype(global),
        wasm_tabletype_as_externtype(table), wasm_memorytype_as_externtype(memory)};
    static const wasm_externkind_t kinds[] = {
        WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL, WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY};
    for (size_t index = 0; index < 4; index++) {
        wasm_externtype_t *type = types[index];
        CHECK(wasm_externtype_kind(type) == kinds[index]);
        CHECK((wasm_externtype_as_functype(type) != NULL) == (index == 0));
        CHECK((wasm_externtype_as_globaltype(type) != NULL) == (index == 1));
        CHECK((wasm_externtype_as_tabletype(type) != NULL) == (index == 2));
        CHECK((wasm_externtype_as_memorytype(type) != NULL) == (index == 3));
        CHECK((wasm_externtype_as_functype_const(type) != NULL) == (index == 0));
        CHECK((wasm_externtype_as_globaltype_const(type) != NULL) == (index == 1));
        CHECK((wasm_externtype_as_tabletype_const(type) != NULL) == (index == 2));
        CHECK((wasm_externtype_as_memorytype_const(type) != NULL) == (index == 3));
        wasm_externtype_t *copy = wasm_externtype_copy(type);
        CHECK(wasm_externtype_kind(copy) == kinds[index]);
        wasm_externtype_delete(copy);
    }
    CHECK(wasm_functype_as_externtype_const(function) == types[0]);
    CHECK(wasm_globaltype_as_externtype_const(global) == types[1]);
    CHECK(wasm_tabletype_as_externtype_const(table) == types[2]);
    CHECK(wasm_memorytype_as_externtype_const(memory) == types[3]);

    POINTER_VECTOR(globaltype, wasm_globaltype_copy(global));
    POINTER_VECTOR(tabletype, wasm_tabletype_copy(table));
    POINTER_VECTOR(memorytype, wasm_memorytype_copy(memory));
    POINTER_VECTOR(externtype, wasm_externtype_copy(types[0]));

    wasm_name_t module, name;
    wasm_name_new_from_string(&module, "env");
    wasm_name_new_from_string(&name, "f");
    wasm_importtype_t *import = wasm_importtype_new(&module, &name, types[0]);
    CHECK(name_is(wasm_importtype_module(import), "env"));
    CHECK(name_is(wasm_importtype_name(import), "f"));
    CHECK(wasm_externtype_kind(wasm_importtype_type(import)) == WASM_EXTERN_FUNC);
    wasm_name_new_from_string(&name, "g");
    wasm_exporttype_t *export = wasm_exporttype_new(&name, types[1]);
    CHECK(name_is(wasm_exporttype_name(export), "g"));
    CHECK(wasm_externtype_kind(wasm_exporttype_type(export)) == WASM_EXTERN_GLOBAL);
    POINTER_VECTOR(importtype, wasm_importtype_copy(import));
    POINTER_VECTOR(exporttype, wasm_exporttype_copy(export));
    wasm_importtype_delete(import);
    wasm_exporttype_delete(export);
    wasm_tabletype_delete(table);
    wasm_memorytype_delete(memory);
}

// MARK: Values

static void values(wasm_store_t *store) {
    wasm_val_t number = WASM_I64_VAL(-5), copy = WASM_INIT_VAL;
    wasm_val_copy(&copy, &number);
    CHECK(copy.kind == WASM_I64 && copy.of.i64 == -5);
    wasm_val_delete(&copy);
    wasm_ref_t *ref = wasm_foreign_as_ref(wasm_foreign_new(store));
    wasm_val_t reference = WASM_REF_VAL(ref);
    wasm_val_copy(&copy, &reference);
    CHECK(copy.of.ref != ref && wasm_ref_same(copy.of.ref, ref));
    wasm_val_delete(&copy);
    CHECK(copy.of.ref == NULL);
    wasm_val_delete(&copy);

    wasm_val_vec_t vector, second;
    wasm_val_vec_new_empty(&vector);
    wasm_val_vec_new_uninitialized(&vector, 2);
    vector.data[0] = reference;
    vector.data[1] = number;
    wasm_val_vec_copy(&second, &vector);
    CHECK(second.size == 2 && wasm_ref_same(second.data[0].of.ref, ref));
    wasm_val_vec_delete(&vector);
    CHECK(second.data[1].of.i64 == -5);
    wasm_val_vec_delete(&second);
    wasm_val_t array[] = {WASM_F32_VAL(1.5f), WASM_F64_VAL(2.5)};
    wasm_val_vec_new(&vector, 2, array);
    CHECK(vector.data[0].of.f32 == 1.5f && vector.data[1].of.f64 == 2.5);
    wasm_val_vec_delete(&vector);

    wasm_val_init_ptr(&number, &one);
    CHECK(wasm_val_ptr(&number) == &one);
}

// MARK: References

/// The functions that all references have. `it` and `other` are different things.
#define REFERENCES(name, it, other) \
    do { \
        wasm_##name##_t *first = (it), *copy = wasm_##name##_copy(first); \
        CHECK(copy != first && wasm_##name##_same(first, copy)); \
        CHECK(!wasm_##name##_same(first, (other)) && !wasm_##name##_same(first, NULL)); \
        CHECK(wasm_##name##_get_host_info(first) == NULL); \
        finalized = 0; \
        wasm_##name##_set_host_info_with_finalizer(copy, &one, finalize); \
        CHECK(wasm_##name##_get_host_info(first) == &one); \
        CHECK(wasm_##name##_get_host_info((other)) == NULL); \
        wasm_##name##_set_host_info(first, &finalized); \
        CHECK(finalized == 1 && wasm_##name##_get_host_info(copy) == &finalized); \
        wasm_##name##_set_host_info(first, NULL); \
        wasm_##name##_delete(copy); \
        CHECK(finalized == 1); \
    } while (0)

/// The same, and those that change views.
#define VIEWS(name, it, other) \
    do { \
        REFERENCES(name, it, other); \
        wasm_##name##_t *first = (it); \
        wasm_ref_t *ref = wasm_##name##_as_ref(first); \
        CHECK(ref != NULL && wasm_ref_as_##name(ref) == first); \
        CHECK(wasm_##name##_as_ref_const(first) == ref); \
        CHECK(wasm_ref_as_##name##_const(ref) == first); \
        CHECK(wasm_ref_as_##name(foreign) == NULL || wasm_ref_as_foreign(ref) != NULL); \
        CHECK(wasm_ref_as_##name##_const(NULL) == NULL); \
    } while (0)

static wasm_trap_t *echo(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    CHECK(args->size == 1 && results->size == 1);
    wasm_val_copy(&results->data[0], &args->data[0]);
    return NULL;
}

static void references(wasm_store_t *store) {
    wasm_foreign_t *foreign_one = wasm_foreign_new(store), *foreign_two = wasm_foreign_new(store);
    wasm_ref_t *foreign = wasm_foreign_as_ref(foreign_one);
    REFERENCES(ref, foreign, wasm_foreign_as_ref(foreign_two));
    VIEWS(foreign, foreign_one, foreign_two);

    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "why");
    wasm_trap_t *traps[] = {wasm_trap_new(store, &message), wasm_trap_new(store, &message)};
    VIEWS(trap, traps[0], traps[1]);
    wasm_name_delete(&message);

    wasm_module_t *modules[] = {module_of(store, "(module)"), module_of(store, "(module)")};
    VIEWS(module, modules[0], modules[1]);
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t *instances[] = {
        wasm_instance_new(store, modules[0], &none, NULL),
        wasm_instance_new(store, modules[0], &none, NULL)};
    VIEWS(instance, instances[0], instances[1]);

    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *functions[] = {wasm_func_new(store, type, echo), wasm_func_new(store, type, echo)};
    VIEWS(func, functions[0], functions[1]);
    wasm_functype_delete(type);
    wasm_globaltype_t *global_type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR);
    wasm_val_t zero = WASM_I32_VAL(0);
    wasm_global_t *globals[] = {
        wasm_global_new(store, global_type, &zero), wasm_global_new(store, global_type, &zero)};
    VIEWS(global, globals[0], globals[1]);
    wasm_globaltype_delete(global_type);
    wasm_limits_t limits = {1, 2};
    wasm_tabletype_t *table_type = wasm_tabletype_new(wasm_valtype_new_externref(), &limits);
    wasm_table_t *tables[] = {
        wasm_table_new(store, table_type, NULL), wasm_table_new(store, table_type, NULL)};
    VIEWS(table, tables[0], tables[1]);
    wasm_tabletype_delete(table_type);
    wasm_memorytype_t *memory_type = wasm_memorytype_new(&limits);
    wasm_memory_t *memories[] = {
        wasm_memory_new(store, memory_type), wasm_memory_new(store, memory_type)};
    VIEWS(memory, memories[0], memories[1]);
    wasm_memorytype_delete(memory_type);

    wasm_extern_t *items[] = {
        wasm_func_as_extern(functions[0]), wasm_global_as_extern(globals[0]),
        wasm_table_as_extern(tables[0]), wasm_memory_as_extern(memories[0])};
    static const wasm_externkind_t kinds[] = {
        WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL, WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY};
    VIEWS(extern, items[0], items[1]);
    for (size_t index = 0; index < 4; index++) {
        wasm_extern_t *item = items[index];
        CHECK(wasm_extern_kind(item) == kinds[index]);
        wasm_externtype_t *item_type = wasm_extern_type(item);
        CHECK(wasm_externtype_kind(item_type) == kinds[index]);
        wasm_externtype_delete(item_type);
        CHECK((wasm_extern_as_func(item) != NULL) == (index == 0));
        CHECK((wasm_extern_as_global(item) != NULL) == (index == 1));
        CHECK((wasm_extern_as_table(item) != NULL) == (index == 2));
        CHECK((wasm_extern_as_memory(item) != NULL) == (index == 3));
        CHECK((wasm_extern_as_func_const(item) != NULL) == (index == 0));
        CHECK((wasm_extern_as_global_const(item) != NULL) == (index == 1));
        CHECK((wasm_extern_as_table_const(item) != NULL) == (index == 2));
        CHECK((wasm_extern_as_memory_const(item) != NULL) == (index == 3));
    }
    CHECK(wasm_func_as_extern_const(functions[0]) == items[0]);
    CHECK(wasm_global_as_extern_const(globals[0]) == items[1]);
    CHECK(wasm_table_as_extern_const(tables[0]) == items[2]);
    CHECK(wasm_memory_as_extern_const(memories[0]) == items[3]);
    POINTER_VECTOR(extern, wasm_extern_copy(items[0]));

    for (size_t index = 0; index < 2; index++) {
        wasm_trap_delete(traps[index]);
        wasm_module_delete(modules[index]);
        wasm_instance_delete(instances[index]);
        wasm_func_delete(functions[index]);
        wasm_global_delete(globals[index]);
        wasm_table_delete(tables[index]);
        wasm_memory_delete(memories[index]);
    }
    wasm_foreign_delete(foreign_one);
    wasm_foreign_delete(foreign_two);
}

// MARK: Modules

static void modules(wasm_store_t *store) {
    wasm_byte_vec_t bytes = binary(
        "(module (import \"env\" \"f\" (func (param i32) (result f64)))"
        " (import \"env\" \"g\" (global (mut i64)))"
        " (memory (export \"m\") 1 3) (table (export \"t\") 4 funcref)"
        " (func (export \"h\") (result i32) (i32.const 7)))");
    CHECK(wasm_module_validate(store, &bytes));
    wasm_module_t *module = wasm_module_new(store, &bytes);
    bytes.data[bytes.size - 1] ^= 0x7F;
    CHECK(!wasm_module_validate(store, &bytes) && wasm_module_new(store, &bytes) == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_MODULE && apus_last_error() != NULL);
    wasm_byte_vec_delete(&bytes);

    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    CHECK(imports.size == 2);
    CHECK(name_is(wasm_importtype_module(imports.data[0]), "env"));
    CHECK(name_is(wasm_importtype_name(imports.data[1]), "g"));
    const wasm_functype_t *function =
        wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[0]));
    CHECK(wasm_valtype_kind(wasm_functype_results(function)->data[0]) == WASM_F64);
    wasm_importtype_vec_delete(&imports);
    wasm_exporttype_vec_t exports;
    wasm_module_exports(module, &exports);
    CHECK(exports.size == 3);
    CHECK(name_is(wasm_exporttype_name(exports.data[0]), "m"));
    const wasm_memorytype_t *memory =
        wasm_externtype_as_memorytype_const(wasm_exporttype_type(exports.data[0]));
    CHECK(wasm_memorytype_limits(memory)->max == 3);
    CHECK(wasm_externtype_kind(wasm_exporttype_type(exports.data[2])) == WASM_EXTERN_FUNC);
    wasm_exporttype_vec_delete(&exports);

    wasm_module_serialize(module, &bytes);
    CHECK(bytes.size > 0);
    wasm_module_t *again = wasm_module_deserialize(store, &bytes);
    CHECK(again != NULL);
    wasm_module_exports(again, &exports);
    CHECK(exports.size == 3);
    wasm_exporttype_vec_delete(&exports);
    wasm_module_delete(again);
    bytes.data[bytes.size / 2] ^= 1;
    CHECK(wasm_module_deserialize(store, &bytes) == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_ARTIFACT);
    wasm_byte_vec_delete(&bytes);
    wasm_module_delete(module);
}

// MARK: Functions, traps and frames

static int environment_count = 0;
static void delete_environment(void *env) { environment_count -= *(int *)env; }

static wasm_trap_t *add(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    results->data[0] = (wasm_val_t)WASM_I32_VAL(args->data[0].of.i32 + *(int *)env);
    return NULL;
}

static wasm_trap_t *fail(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)args, (void)results;
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "the host says no");
    wasm_trap_t *trap = wasm_trap_new(env, &message);
    wasm_name_delete(&message);
    wasm_trap_set_host_info(trap, env);
    return trap;
}

static wasm_trap_t *wrong(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)args;
    results->data[0] = (wasm_val_t)WASM_F64_VAL(1);
    return NULL;
}

static wasm_trap_t *call(wasm_extern_t *function, int32_t argument, int32_t *result) {
    wasm_val_t a[] = {WASM_I32_VAL(argument)}, r[] = {WASM_INIT_VAL};
    wasm_val_vec_t args = WASM_ARRAY_VEC(a), results = WASM_ARRAY_VEC(r);
    wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(function), &args, &results);
    if (trap == NULL) CHECK(r[0].kind == WASM_I32);
    *result = r[0].of.i32;
    return trap;
}

static void message_is(const wasm_trap_t *trap, const char *text) {
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    CHECK(message.size > 0 && message.data[message.size - 1] == 0);
    CHECK(strcmp(message.data, text) == 0);
    wasm_name_delete(&message);
}

static void functions(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    environment_count = 1;
    wasm_func_t *hosts[] = {
        wasm_func_new_with_env(store, type, add, &one, delete_environment),
        wasm_func_new_with_env(store, type, fail, store, NULL), wasm_func_new(store, type, wrong)};
    wasm_functype_t *found = wasm_func_type(hosts[0]);
    CHECK(wasm_functype_params(found)->size == 1);
    wasm_functype_delete(found);
    wasm_functype_delete(type);
    CHECK(wasm_func_param_arity(hosts[0]) == 1 && wasm_func_result_arity(hosts[0]) == 1);

    wasm_module_t *module = module_of(store,
        "(module (type $t (func (param i32) (result i32)))"
        " (import \"\" \"add\" (func $add (type $t))) (import \"\" \"fail\" (func $fail (type $t)))"
        " (import \"\" \"wrong\" (func $wrong (type $t)))"
        " (func (export \"twice\") (type $t) (call $add (call $add (local.get 0))))"
        " (func $inner (type $t) (i32.div_s (i32.const 1) (local.get 0)))"
        " (func (export \"divide\") (type $t) (i32.add (call $inner (local.get 0)) (i32.const 0)))"
        " (func (export \"fail\") (type $t) (call $fail (local.get 0)))"
        " (func (export \"wrong\") (type $t) (call $wrong (local.get 0))))");
    wasm_extern_t *items[] = {
        wasm_func_as_extern(hosts[0]), wasm_func_as_extern(hosts[1]),
        wasm_func_as_extern(hosts[2])};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), few = {1, items}, exports;
    wasm_trap_t *trap = NULL;
    CHECK(wasm_instance_new(store, module, &few, &trap) == NULL && trap != NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_LINK);
    wasm_trap_delete(trap);
    CHECK(wasm_instance_new(store, module, &few, NULL) == NULL);
    wasm_extern_t *too_many[] = {items[0], items[1], items[2], items[0]};
    wasm_extern_vec_t many = WASM_ARRAY_VEC(too_many);
    CHECK(wasm_instance_new(store, module, &many, &trap) == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_LINK);
    message_is(trap, "a module with 3 imports was given 4");
    wasm_trap_delete(trap);
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, &trap);
    CHECK(instance != NULL && trap == NULL);
    wasm_instance_exports(instance, &exports);
    CHECK(exports.size == 4);

    int32_t result = 0;
    CHECK(call(exports.data[0], 40, &result) == NULL && result == 42);

    // A trap of the guest's, with all that is known of it.
    trap = call(exports.data[1], 0, &result);
    CHECK(trap != NULL);
    message_is(trap, "integer divide by zero");
    wasm_frame_t *frame = wasm_trap_origin(trap);
    CHECK(wasm_frame_func_index(frame) == 4);
    CHECK(wasm_frame_func_offset(frame) > 0);
    CHECK(wasm_frame_module_offset(frame) > wasm_frame_func_offset(frame));
    CHECK(wasm_instance_same(wasm_frame_instance(frame), instance));
    wasm_frame_t *copy = wasm_frame_copy(frame);
    wasm_frame_delete(frame);
    CHECK(wasm_frame_func_index(copy) == 4);
    wasm_frame_delete(copy);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == 2 && wasm_frame_func_index(frames.data[1]) == 5);
    POINTER_VECTOR(frame, wasm_frame_copy(frames.data[0]));
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);

    // A trap of the host's is the same one when it has passed through the guest.
    trap = call(exports.data[2], 0, &result);
    CHECK(trap != NULL && wasm_trap_get_host_info(trap) == store);
    message_is(trap, "the host says no");
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size == 1 && wasm_frame_func_index(frames.data[0]) == 6);
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);
    // One that no guest has seen has no frames.
    trap = call(wasm_func_as_extern(hosts[1]), 0, &result);
    CHECK(trap != NULL && wasm_trap_origin(trap) == NULL);
    wasm_trap_delete(trap);
    // A callback that gives another type than it said.
    trap = call(exports.data[3], 0, &result);
    CHECK(trap != NULL && apus_last_error_kind() == APUS_ERROR_TYPE);
    wasm_trap_delete(trap);

    // Calls that do not fit.
    wasm_val_t a[] = {WASM_F32_VAL(1)}, r[] = {WASM_INIT_VAL};
    wasm_val_vec_t args = WASM_ARRAY_VEC(a), results = WASM_ARRAY_VEC(r), none = WASM_EMPTY_VEC;
    wasm_func_t *twice = wasm_extern_as_func(exports.data[0]);
    wasm_val_vec_t *lists[] = {&args, &none, NULL};
    for (size_t index = 0; index < COUNT(lists); index++) {
        trap = wasm_func_call(twice, lists[index], &results);
        CHECK(trap != NULL && r[0].of.ref == NULL);
        wasm_trap_delete(trap);
    }
    a[0] = (wasm_val_t)WASM_I32_VAL(1);
    CHECK(wasm_func_call(twice, &args, &none) == NULL && none.size == 0);

    for (size_t index = 0; index < 3; index++) wasm_func_delete(hosts[index]);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    CHECK(environment_count == 1);
    wasm_store_delete(store);
    CHECK(environment_count == 0);
}

// MARK: Globals, tables and memories

static void globals(wasm_store_t *store) {
    wasm_globaltype_t *types[] = {
        wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR),
        wasm_globaltype_new(wasm_valtype_new_externref(), WASM_VAR),
        wasm_globaltype_new(wasm_valtype_new_f32(), WASM_CONST)};
    wasm_val_t number = WASM_I64_VAL(1), out = WASM_INIT_VAL;
    wasm_global_t *global = wasm_global_new(store, types[0], &number);
    number.of.i64 = -2;
    wasm_global_set(global, &number);
    wasm_global_get(global, &out);
    CHECK(out.kind == WASM_I64 && out.of.i64 == -2);
    wasm_val_t other = WASM_F64_VAL(3);
    wasm_global_set(global, &other);
    CHECK(apus_last_error_kind() == APUS_ERROR_TYPE);
    wasm_global_get(global, &out);
    CHECK(out.of.i64 == -2);
    CHECK(wasm_global_new(store, types[0], &other) == NULL);
    wasm_globaltype_t *type = wasm_global_type(global);
    CHECK(wasm_globaltype_mutability(type) == WASM_VAR);
    wasm_globaltype_delete(type);
    wasm_global_delete(global);

    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_val_t reference = WASM_REF_VAL(wasm_foreign_as_ref(foreign));
    global = wasm_global_new(store, types[1], &reference);
    wasm_global_get(global, &out);
    CHECK(wasm_ref_same(out.of.ref, wasm_foreign_as_ref(foreign)));
    wasm_val_delete(&out);
    wasm_foreign_delete(foreign);
    wasm_global_delete(global);

    wasm_val_t constant = WASM_F32_VAL(0.5f), changed = WASM_F32_VAL(1);
    global = wasm_global_new(store, types[2], &constant);
    wasm_global_set(global, &changed);
    wasm_global_get(global, &out);
    CHECK(out.of.f32 == 0.5f);
    wasm_global_delete(global);
    for (size_t index = 0; index < 3; index++) wasm_globaltype_delete(types[index]);
}

static void tables(wasm_store_t *store) {
    wasm_limits_t limits = {2, 4};
    wasm_tabletype_t *type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    wasm_functype_t *echo_type =
        wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *function = wasm_func_new(store, echo_type, echo);
    wasm_functype_delete(echo_type);
    wasm_ref_t *ref = wasm_func_as_ref(function);
    wasm_table_t *table = wasm_table_new(store, type, ref);
    CHECK(wasm_table_size(table) == 2);
    CHECK(wasm_table_set(table, 0, NULL) && wasm_table_get(table, 0) == NULL);
    wasm_ref_t *element = wasm_table_get(table, 1);
    CHECK(wasm_ref_same(element, ref) && wasm_ref_as_func(element) != NULL);
    wasm_ref_delete(element);
    CHECK(!wasm_table_set(table, 2, ref) && wasm_table_get(table, 2) == NULL);
    CHECK(apus_last_error_kind() == APUS_ERROR_TRAP);
    CHECK(wasm_table_grow(table, 2, ref) && !wasm_table_grow(table, 1, NULL));
    CHECK(wasm_table_size(table) == 4);
    wasm_tabletype_t *found = wasm_table_type(table);
    CHECK(wasm_tabletype_limits(found)->min == 4 && wasm_tabletype_limits(found)->max == 4);
    wasm_tabletype_delete(found);
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    CHECK(!wasm_table_set(table, 0, wasm_foreign_as_ref(foreign)));
    wasm_foreign_delete(foreign);
    wasm_func_delete(function);
    wasm_table_delete(table);
    wasm_tabletype_delete(type);
}

static void memories(wasm_store_t *store) {
    wasm_limits_t limits = {1, 2};
    wasm_memorytype_t *type = wasm_memorytype_new(&limits);
    wasm_memory_t *memory = wasm_memory_new(store, type);
    CHECK(wasm_memory_size(memory) == 1);
    CHECK(wasm_memory_data_size(memory) == MEMORY_PAGE_SIZE);
    byte_t *data = wasm_memory_data(memory);
    data[0] = 1;
    data[MEMORY_PAGE_SIZE - 1] = 2;
    CHECK(wasm_memory_grow(memory, 1) && !wasm_memory_grow(memory, 1));
    CHECK(wasm_memory_size(memory) == 2 && wasm_memory_data(memory) == data && data[0] == 1);
    wasm_memorytype_t *found = wasm_memory_type(memory);
    CHECK(wasm_memorytype_limits(found)->min == 2 && wasm_memorytype_limits(found)->max == 2);
    wasm_memorytype_delete(found);
    wasm_memory_delete(memory);
    wasm_memorytype_delete(type);
}

// MARK: Guests that hold things of the host's

static void guests_hold_references(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store,
        "(module (table $t (export \"t\") 1 externref)"
        " (func (export \"set\") (param externref) (table.set $t (i32.const 0) (local.get 0)))"
        " (func (export \"get\") (result externref) (table.get $t (i32.const 0))))");
    wasm_extern_vec_t none = WASM_EMPTY_VEC, exports;
    wasm_instance_t *instance = wasm_instance_new(store, module, &none, NULL);
    wasm_instance_exports(instance, &exports);
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "held");
    wasm_trap_t *trap = wasm_trap_new(store, &message);
    wasm_name_delete(&message);
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    finalized = 0;
    wasm_foreign_set_host_info_with_finalizer(foreign, &one, finalize);
    wasm_instance_set_host_info_with_finalizer(instance, &one, finalize);
    wasm_ref_t *things[] = {
        wasm_foreign_as_ref(foreign), wasm_trap_as_ref(trap), wasm_module_as_ref(module),
        wasm_instance_as_ref(instance), wasm_extern_as_ref(exports.data[0]),
        wasm_extern_as_ref(exports.data[1])};
    for (size_t index = 0; index < COUNT(things); index++) {
        wasm_val_t a[] = {WASM_REF_VAL(things[index])}, r[] = {WASM_INIT_VAL};
        wasm_val_vec_t args = WASM_ARRAY_VEC(a), results = WASM_ARRAY_VEC(r);
        wasm_val_vec_t nothing = WASM_EMPTY_VEC;
        CHECK(wasm_func_call(wasm_extern_as_func(exports.data[1]), &args, &nothing) == NULL);
        CHECK(wasm_func_call(wasm_extern_as_func(exports.data[2]), &nothing, &results) == NULL);
        CHECK(wasm_ref_same(r[0].of.ref, things[index]));
        CHECK(wasm_ref_get_host_info(r[0].of.ref) == wasm_ref_get_host_info(things[index]));
        wasm_val_delete(&r[0]);
    }
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_foreign_delete(foreign);
    wasm_trap_delete(trap);
    wasm_module_delete(module);
    CHECK(finalized <= 1);
    // Nothing that the guest holds keeps the store.
    wasm_store_delete(store);
    CHECK(finalized == 2);
}

// What guests of one store hold of another one is gone with that.
static void guests_outlive_references(wasm_engine_t *engine) {
    wasm_store_t *first = wasm_store_new(engine), *second = wasm_store_new(engine);
    wasm_limits_t limits = {1, 2};
    wasm_memorytype_t *memory_type = wasm_memorytype_new(&limits);
    wasm_tabletype_t *table_type =
        wasm_tabletype_new(wasm_valtype_new(WASM_EXTERNREF), &limits);
    wasm_memory_t *memory = wasm_memory_new(first, memory_type);
    wasm_table_t *table = wasm_table_new(second, table_type, NULL);
    CHECK(wasm_table_set(table, 0, wasm_memory_as_ref(memory)));
    wasm_ref_t *held = wasm_table_get(table, 0);
    CHECK(wasm_ref_same(held, wasm_memory_as_ref(memory)));
    wasm_ref_delete(held);
    wasm_memory_delete(memory);
    wasm_store_delete(first);
    CHECK(wasm_table_get(table, 0) == NULL);
    wasm_table_delete(table);
    wasm_tabletype_delete(table_type);
    wasm_memorytype_delete(memory_type);
    wasm_store_delete(second);
}

// MARK: Threads

static void *use_module(void *argument) {
    void **things = argument;
    for (int round = 0; round < 20; round++) {
        wasm_store_t *store = wasm_store_new(things[0]);
        wasm_module_t *module = wasm_module_obtain(store, things[1]);
        wasm_extern_vec_t none = WASM_EMPTY_VEC, exports;
        wasm_instance_t *instance = wasm_instance_new(store, module, &none, NULL);
        wasm_instance_exports(instance, &exports);
        int32_t result = 0;
        CHECK(call(exports.data[0], round, &result) == NULL && result == round + 1);
        wasm_extern_vec_delete(&exports);
        wasm_instance_delete(instance);
        wasm_module_delete(module);
        wasm_store_delete(store);
    }
    return NULL;
}

static void threads(wasm_engine_t *engine) {
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store,
        "(module (func (export \"next\") (param i32) (result i32)"
        " (i32.add (local.get 0) (i32.const 1))))");
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    wasm_store_delete(store);
    void *things[] = {engine, shared};
    pthread_t running[4];
    for (size_t index = 0; index < COUNT(running); index++) {
        CHECK(pthread_create(&running[index], NULL, use_module, things) == 0);
    }
    for (size_t index = 0; index < COUNT(running); index++) pthread_join(running[index], NULL);
    wasm_engine_t *other = wasm_engine_new();
    store = wasm_store_new(other);
    CHECK(wasm_module_obtain(store, shared) == NULL);
    wasm_store_delete(store);
    wasm_engine_delete(other);
    wasm_shared_module_delete(shared);
}

int main(void) {
    vectors();
    value_types();
    function_types();
    other_types();
    wasm_config_delete(wasm_config_new());
    wasm_engine_t *engine = wasm_engine_new_with_config(wasm_config_new());
    wasm_store_t *store = wasm_store_new(engine);
    values(store);
    references(store);
    modules(store);
    functions(engine);
    globals(store);
    tables(store);
    memories(store);
    guests_hold_references(engine);
    guests_outlive_references(engine);
    threads(engine);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    wasm_engine_delete(wasm_engine_new());
    puts("conformance: done");
    return 0;
}
