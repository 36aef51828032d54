/* The standard C API of WebAssembly, as Apus has it: the same names, types and signatures as every
 * other engine's `wasm.h`, so that a program written for one of them compiles for this one. What is
 * not in the standard is in `apus.h`. `docs/c-api.md` says how to begin. */

#ifndef WASM_H
#define WASM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_API_EXTERN
#if defined(_WIN32) && !defined(__MINGW32__) && !defined(LIBWASM_STATIC)
#define WASM_API_EXTERN __declspec(dllimport)
#else
#define WASM_API_EXTERN
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------- */
/* What the rest is made of */

/* What is taken for granted about the machine. */
inline void assertions(void) {
  static_assert(sizeof(float) == 4, "a float has 32 bits");
  static_assert(sizeof(double) == 8, "a double has 64 bits");
  static_assert(sizeof(intptr_t) == 4 || sizeof(intptr_t) == 8, "a pointer has 32 or 64 bits");
}

typedef char byte_t;
typedef float float32_t;
typedef double float64_t;

/* Who has to delete what.
 *
 * `own` stands where something changes hands. A result that is `own` is the caller's, who deletes
 * it one day; a parameter that is `own` is the function's from then on, and the caller is not to
 * touch it again. Parameters called `out` go the other way: what they point to is written, whatever
 * it held before, and is the caller's. An owned vector owns its elements, an owned value what it
 * refers to. All else is lent: a parameter for the time of the call, a result for as long as what
 * it was taken from is there.
 *
 * To delete a reference does not end what it refers to: functions, memories and all else that a
 * store has live as long as the store, and the store as long as there is a reference to anything of
 * it. Every function that deletes takes NULL, and does nothing with it.
 *
 * It is defined for this file only. */
#define own

#define WASM_DECLARE_OWN(name) \
  typedef struct wasm_##name##_t wasm_##name##_t; \
  WASM_API_EXTERN void wasm_##name##_delete(own wasm_##name##_t *);

/* Vectors: so many elements, one after the other. `new` takes the elements over from an array. What
 * `new_uninitialized` makes is to be filled by the caller; elements that are pointers are NULL
 * until then. */
#define WASM_DECLARE_VEC(name, ptr_or_none) \
  typedef struct wasm_##name##_vec_t { \
    size_t size; \
    wasm_##name##_t ptr_or_none *data; \
  } wasm_##name##_vec_t; \
  WASM_API_EXTERN void wasm_##name##_vec_new_empty(own wasm_##name##_vec_t *out); \
  WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized( \
      own wasm_##name##_vec_t *out, size_t); \
  WASM_API_EXTERN void wasm_##name##_vec_new( \
      own wasm_##name##_vec_t *out, size_t, own wasm_##name##_t ptr_or_none const[]); \
  WASM_API_EXTERN void wasm_##name##_vec_copy( \
      own wasm_##name##_vec_t *out, const wasm_##name##_vec_t *); \
  WASM_API_EXTERN void wasm_##name##_vec_delete(own wasm_##name##_vec_t *);

/* Bytes, and names, which are bytes in UTF-8. */
typedef byte_t wasm_byte_t;
WASM_DECLARE_VEC(byte, )

typedef wasm_byte_vec_t wasm_name_t;

#define wasm_name wasm_byte_vec
#define wasm_name_new wasm_byte_vec_new
#define wasm_name_new_empty wasm_byte_vec_new_empty
#define wasm_name_new_uninitialized wasm_byte_vec_new_uninitialized
/* The name that the standard has for it. */
#define wasm_name_new_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy wasm_byte_vec_copy
#define wasm_name_delete wasm_byte_vec_delete

/* The bytes of a string, without its final zero. */
static inline void wasm_name_new_from_string(own wasm_name_t *out, const char *s) {
  wasm_name_new(out, strlen(s), s);
}

/* The bytes of a string with its final zero. */
static inline void wasm_name_new_from_string_nt(own wasm_name_t *out, const char *s) {
  wasm_name_new(out, strlen(s) + 1, s);
}

/* ---------------------------------------------------------------------------------------------- */
/* Where things live */

/* How an engine is set up: `apus.h` has what can be set. */
WASM_DECLARE_OWN(config)
WASM_API_EXTERN own wasm_config_t *wasm_config_new(void);

/* Compiles modules. One for each process is enough; any number of threads may use it. */
WASM_DECLARE_OWN(engine)
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new(void);
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new_with_config(own wasm_config_t *);

/* Where instances, functions, memories, tables and globals live. A store and all that belongs to it
 * is used by one thread at a time. */
WASM_DECLARE_OWN(store)
WASM_API_EXTERN own wasm_store_t *wasm_store_new(wasm_engine_t *);

/* ---------------------------------------------------------------------------------------------- */
/* Types */

typedef uint8_t wasm_mutability_t;
enum wasm_mutability_enum {
  WASM_CONST,
  WASM_VAR,
};

/* What a memory or table has at least and at most, in pages or elements. */
typedef struct wasm_limits_t {
  uint32_t min;
  uint32_t max;
} wasm_limits_t;

/* There is no maximum. */
static const uint32_t wasm_limits_max_default = 0xffffffff;

#define WASM_DECLARE_TYPE(name) \
  WASM_DECLARE_OWN(name) \
  WASM_DECLARE_VEC(name, *) \
  WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *);

/* Types of values. `apus.h` has the kinds that are not in the standard. */
WASM_DECLARE_TYPE(valtype)

typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
  WASM_I32,
  WASM_I64,
  WASM_F32,
  WASM_F64,
  WASM_EXTERNREF = 128,
  WASM_FUNCREF,
};

/* NULL for a kind that is none. */
WASM_API_EXTERN own wasm_valtype_t *wasm_valtype_new(wasm_valkind_t);
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *);

static inline bool wasm_valkind_is_num(wasm_valkind_t k) {
  return k < WASM_EXTERNREF;
}
static inline bool wasm_valkind_is_ref(wasm_valkind_t k) {
  return k >= WASM_EXTERNREF;
}

static inline bool wasm_valtype_is_num(const wasm_valtype_t *t) {
  return wasm_valkind_is_num(wasm_valtype_kind(t));
}
static inline bool wasm_valtype_is_ref(const wasm_valtype_t *t) {
  return wasm_valkind_is_ref(wasm_valtype_kind(t));
}

/* Types of functions. */
WASM_DECLARE_TYPE(functype)
WASM_API_EXTERN own wasm_functype_t *wasm_functype_new(
    own wasm_valtype_vec_t *params, own wasm_valtype_vec_t *results);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *);

/* Types of globals. */
WASM_DECLARE_TYPE(globaltype)
WASM_API_EXTERN own wasm_globaltype_t *wasm_globaltype_new(
    own wasm_valtype_t *, wasm_mutability_t);
WASM_API_EXTERN const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *);
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *);

/* Types of tables. Limits that 32 bits do not hold read as the greatest number they hold. */
WASM_DECLARE_TYPE(tabletype)
WASM_API_EXTERN own wasm_tabletype_t *wasm_tabletype_new(
    own wasm_valtype_t *, const wasm_limits_t *);
WASM_API_EXTERN const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *);
WASM_API_EXTERN const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *);

/* Types of memories. */
WASM_DECLARE_TYPE(memorytype)
WASM_API_EXTERN own wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *);
WASM_API_EXTERN const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *);

/* Types of what can be imported and exported: each of the ones before is one. */
WASM_DECLARE_TYPE(externtype)

typedef uint8_t wasm_externkind_t;
enum wasm_externkind_enum {
  WASM_EXTERN_FUNC,
  WASM_EXTERN_GLOBAL,
  WASM_EXTERN_TABLE,
  WASM_EXTERN_MEMORY,
};

WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *);

/* Views of the same type, which are not to be deleted beside it; NULL for one of another kind. */
WASM_API_EXTERN wasm_externtype_t *wasm_functype_as_externtype(wasm_functype_t *);
WASM_API_EXTERN wasm_externtype_t *wasm_globaltype_as_externtype(wasm_globaltype_t *);
WASM_API_EXTERN wasm_externtype_t *wasm_tabletype_as_externtype(wasm_tabletype_t *);
WASM_API_EXTERN wasm_externtype_t *wasm_memorytype_as_externtype(wasm_memorytype_t *);

WASM_API_EXTERN wasm_functype_t *wasm_externtype_as_functype(wasm_externtype_t *);
WASM_API_EXTERN wasm_globaltype_t *wasm_externtype_as_globaltype(wasm_externtype_t *);
WASM_API_EXTERN wasm_tabletype_t *wasm_externtype_as_tabletype(wasm_externtype_t *);
WASM_API_EXTERN wasm_memorytype_t *wasm_externtype_as_memorytype(wasm_externtype_t *);

WASM_API_EXTERN const wasm_externtype_t *wasm_functype_as_externtype_const(
    const wasm_functype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_globaltype_as_externtype_const(
    const wasm_globaltype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_tabletype_as_externtype_const(
    const wasm_tabletype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_memorytype_as_externtype_const(
    const wasm_memorytype_t *);

WASM_API_EXTERN const wasm_functype_t *wasm_externtype_as_functype_const(
    const wasm_externtype_t *);
WASM_API_EXTERN const wasm_globaltype_t *wasm_externtype_as_globaltype_const(
    const wasm_externtype_t *);
WASM_API_EXTERN const wasm_tabletype_t *wasm_externtype_as_tabletype_const(
    const wasm_externtype_t *);
WASM_API_EXTERN const wasm_memorytype_t *wasm_externtype_as_memorytype_const(
    const wasm_externtype_t *);

/* What a module asks for. */
WASM_DECLARE_TYPE(importtype)
WASM_API_EXTERN own wasm_importtype_t *wasm_importtype_new(
    own wasm_name_t *module, own wasm_name_t *name, own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *);

/* What a module offers. */
WASM_DECLARE_TYPE(exporttype)
WASM_API_EXTERN own wasm_exporttype_t *wasm_exporttype_new(
    own wasm_name_t *, own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *);

/* ---------------------------------------------------------------------------------------------- */
/* Values and references */

struct wasm_ref_t;

/* A value and what kind it is of. `ref` is NULL for null. */
typedef struct wasm_val_t {
  wasm_valkind_t kind;
  union {
    int32_t i32;
    int64_t i64;
    float32_t f32;
    float64_t f64;
    struct wasm_ref_t *ref;
  } of;
} wasm_val_t;

/* Deletes the reference in a value; numbers have nothing to be deleted. */
WASM_API_EXTERN void wasm_val_delete(own wasm_val_t *);
WASM_API_EXTERN void wasm_val_copy(own wasm_val_t *out, const wasm_val_t *);

WASM_DECLARE_VEC(val, )

/* What all references have: they can be copied, which makes one more reference to the same thing,
 * and compared; and whatever they refer to can have something of the host's, which is found through
 * each of them. The finalizer, if there is one, is called with it once: when other information
 * takes its place, or when the thing goes. */
#define WASM_DECLARE_REF_BASE(name) \
  WASM_DECLARE_OWN(name) \
  WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *); \
  WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t *, const wasm_##name##_t *); \
  WASM_API_EXTERN void *wasm_##name##_get_host_info(const wasm_##name##_t *); \
  WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t *, void *); \
  WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer( \
      wasm_##name##_t *, void *, void (*)(void *));

/* Views as any reference, and back; NULL for one of another kind. They are not to be deleted beside
 * what they are views of. */
#define WASM_DECLARE_REF(name) \
  WASM_DECLARE_REF_BASE(name) \
  WASM_API_EXTERN wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *); \
  WASM_API_EXTERN wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *); \
  WASM_API_EXTERN const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *); \
  WASM_API_EXTERN const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *);

/* What can be handed to other threads: `share` makes what any of them may have, `obtain` a
 * reference for the one that uses a store. */
#define WASM_DECLARE_SHARABLE_REF(name) \
  WASM_DECLARE_REF(name) \
  WASM_DECLARE_OWN(shared_##name) \
  WASM_API_EXTERN own wasm_shared_##name##_t *wasm_##name##_share(const wasm_##name##_t *); \
  WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_obtain( \
      wasm_store_t *, const wasm_shared_##name##_t *);

WASM_DECLARE_REF_BASE(ref)

/* A function that had not returned when a guest trapped. The instance that it ran in is lent; it is
 * NULL if the store has gone, or cannot tell in which of several instances of a module a guest was
 * that was interrupted on its way from one function to another. */
WASM_DECLARE_OWN(frame)
WASM_DECLARE_VEC(frame, *)
WASM_API_EXTERN own wasm_frame_t *wasm_frame_copy(const wasm_frame_t *);

WASM_API_EXTERN struct wasm_instance_t *wasm_frame_instance(const wasm_frame_t *);
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t *);
/* Where the instruction is, from the start of the function's body and of the module on. */
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t *);
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t *);

/* Why a call did not return. A message ends with a zero, which counts. */
typedef wasm_name_t wasm_message_t;

WASM_DECLARE_REF(trap)
WASM_API_EXTERN own wasm_trap_t *wasm_trap_new(wasm_store_t *store, const wasm_message_t *);
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t *, own wasm_message_t *out);
/* The innermost frame; NULL if no guest was running. */
WASM_API_EXTERN own wasm_frame_t *wasm_trap_origin(const wasm_trap_t *);
/* All frames, innermost first. */
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t *, own wasm_frame_vec_t *out);

/* Something of the host's that guests can hold, and that has nothing but its information. */
WASM_DECLARE_REF(foreign)
WASM_API_EXTERN own wasm_foreign_t *wasm_foreign_new(wasm_store_t *);

/* ---------------------------------------------------------------------------------------------- */
/* Modules */

WASM_DECLARE_SHARABLE_REF(module)

/* NULL if the module is malformed, invalid or too large: `apus_last_error` says why. */
WASM_API_EXTERN own wasm_module_t *wasm_module_new(
    wasm_store_t *, const wasm_byte_vec_t *binary);
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t *, const wasm_byte_vec_t *binary);

WASM_API_EXTERN void wasm_module_imports(const wasm_module_t *, own wasm_importtype_vec_t *out);
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t *, own wasm_exporttype_vec_t *out);

/* The module with its machine code, for the same build of Apus; nothing if that fails. What is
 * deserialized is run as it is: it must come from who is trusted. */
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t *, own wasm_byte_vec_t *out);
WASM_API_EXTERN own wasm_module_t *wasm_module_deserialize(
    wasm_store_t *, const wasm_byte_vec_t *);

/* ---------------------------------------------------------------------------------------------- */
/* What instances are made of */

/* Functions. A callback finds its arguments in `args`, which are lent, and leaves as many results
 * as its type says in `results`, which it gives away; it returns NULL, or a trap that the guest
 * ends in. The finalizer is called once with `env`: when the function goes, or at once if it cannot
 * be made. */
WASM_DECLARE_REF(func)

typedef own wasm_trap_t *(*wasm_func_callback_t)(
    const wasm_val_vec_t *args, own wasm_val_vec_t *results);
typedef own wasm_trap_t *(*wasm_func_callback_with_env_t)(
    void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results);

WASM_API_EXTERN own wasm_func_t *wasm_func_new(
    wasm_store_t *, const wasm_functype_t *, wasm_func_callback_t);
WASM_API_EXTERN own wasm_func_t *wasm_func_new_with_env(
    wasm_store_t *, const wasm_functype_t *type, wasm_func_callback_with_env_t,
    void *env, void (*finalizer)(void *));

WASM_API_EXTERN own wasm_functype_t *wasm_func_type(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t *);

/* Calls a function. The results are written to the vector's elements and are the caller's; those
 * that there is no room for are dropped. NULL if it returned; if not, the vector is as it was. */
WASM_API_EXTERN own wasm_trap_t *wasm_func_call(
    const wasm_func_t *, const wasm_val_vec_t *args, wasm_val_vec_t *results);

/* Globals. To set one that is constant, or with a value of another type, changes nothing. */
WASM_DECLARE_REF(global)
WASM_API_EXTERN own wasm_global_t *wasm_global_new(
    wasm_store_t *, const wasm_globaltype_t *, const wasm_val_t *);
WASM_API_EXTERN own wasm_globaltype_t *wasm_global_type(const wasm_global_t *);
WASM_API_EXTERN void wasm_global_get(const wasm_global_t *, own wasm_val_t *out);
WASM_API_EXTERN void wasm_global_set(wasm_global_t *, const wasm_val_t *);

/* Tables. NULL stands for null, and what is set stays the caller's. */
WASM_DECLARE_REF(table)

typedef uint32_t wasm_table_size_t;

WASM_API_EXTERN own wasm_table_t *wasm_table_new(
    wasm_store_t *, const wasm_tabletype_t *, wasm_ref_t *init);
WASM_API_EXTERN own wasm_tabletype_t *wasm_table_type(const wasm_table_t *);
WASM_API_EXTERN own wasm_ref_t *wasm_table_get(const wasm_table_t *, wasm_table_size_t index);
WASM_API_EXTERN bool wasm_table_set(wasm_table_t *, wasm_table_size_t index, wasm_ref_t *);
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t *);
WASM_API_EXTERN bool wasm_table_grow(
    wasm_table_t *, wasm_table_size_t delta, wasm_ref_t *init);

/* Memories. Their bytes stay at the same place when they grow. */
WASM_DECLARE_REF(memory)

typedef uint32_t wasm_memory_pages_t;

static const size_t MEMORY_PAGE_SIZE = 0x10000;

WASM_API_EXTERN own wasm_memory_t *wasm_memory_new(wasm_store_t *, const wasm_memorytype_t *);
WASM_API_EXTERN own wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *);
WASM_API_EXTERN byte_t *wasm_memory_data(wasm_memory_t *);
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t *);
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *);
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t *, wasm_memory_pages_t delta);

/* What can be imported and exported: each of the ones before is one. */
WASM_DECLARE_REF(extern)
WASM_DECLARE_VEC(extern, *)
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t *);
WASM_API_EXTERN own wasm_externtype_t *wasm_extern_type(const wasm_extern_t *);

WASM_API_EXTERN wasm_extern_t *wasm_func_as_extern(wasm_func_t *);
WASM_API_EXTERN wasm_extern_t *wasm_global_as_extern(wasm_global_t *);
WASM_API_EXTERN wasm_extern_t *wasm_table_as_extern(wasm_table_t *);
WASM_API_EXTERN wasm_extern_t *wasm_memory_as_extern(wasm_memory_t *);

WASM_API_EXTERN wasm_func_t *wasm_extern_as_func(wasm_extern_t *);
WASM_API_EXTERN wasm_global_t *wasm_extern_as_global(wasm_extern_t *);
WASM_API_EXTERN wasm_table_t *wasm_extern_as_table(wasm_extern_t *);
WASM_API_EXTERN wasm_memory_t *wasm_extern_as_memory(wasm_extern_t *);

WASM_API_EXTERN const wasm_extern_t *wasm_func_as_extern_const(const wasm_func_t *);
WASM_API_EXTERN const wasm_extern_t *wasm_global_as_extern_const(const wasm_global_t *);
WASM_API_EXTERN const wasm_extern_t *wasm_table_as_extern_const(const wasm_table_t *);
WASM_API_EXTERN const wasm_extern_t *wasm_memory_as_extern_const(const wasm_memory_t *);

WASM_API_EXTERN const wasm_func_t *wasm_extern_as_func_const(const wasm_extern_t *);
WASM_API_EXTERN const wasm_global_t *wasm_extern_as_global_const(const wasm_extern_t *);
WASM_API_EXTERN const wasm_table_t *wasm_extern_as_table_const(const wasm_extern_t *);
WASM_API_EXTERN const wasm_memory_t *wasm_extern_as_memory_const(const wasm_extern_t *);

/* Instances. Imports are in the order in which the module lists them. If it fails the result is
 * NULL, and a trap says why, unless nobody wants it (NULL). */
WASM_DECLARE_REF(instance)
WASM_API_EXTERN own wasm_instance_t *wasm_instance_new(
    wasm_store_t *, const wasm_module_t *, const wasm_extern_vec_t *imports,
    own wasm_trap_t **);
/* In the order in which the module lists them. */
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t *, own wasm_extern_vec_t *out);

/* ---------------------------------------------------------------------------------------------- */
/* Short ways */

/* Initializers of vectors: an empty one, and one that lends an array. */
#define WASM_EMPTY_VEC {0, NULL}
#define WASM_ARRAY_VEC(array) {sizeof(array) / sizeof(*(array)), array}

static inline own wasm_valtype_t *wasm_valtype_new_i32(void) {
  return wasm_valtype_new(WASM_I32);
}
static inline own wasm_valtype_t *wasm_valtype_new_i64(void) {
  return wasm_valtype_new(WASM_I64);
}
static inline own wasm_valtype_t *wasm_valtype_new_f32(void) {
  return wasm_valtype_new(WASM_F32);
}
static inline own wasm_valtype_t *wasm_valtype_new_f64(void) {
  return wasm_valtype_new(WASM_F64);
}
static inline own wasm_valtype_t *wasm_valtype_new_externref(void) {
  return wasm_valtype_new(WASM_EXTERNREF);
}
static inline own wasm_valtype_t *wasm_valtype_new_funcref(void) {
  return wasm_valtype_new(WASM_FUNCREF);
}

/* Function types with up to three parameters and two results: `_PARAMS_RESULTS`. */
static inline own wasm_functype_t *apus_functype_of(
    size_t param_count, own wasm_valtype_t *const params[],
    size_t result_count, own wasm_valtype_t *const results[]) {
  wasm_valtype_vec_t ps, rs;
  wasm_valtype_vec_new(&ps, param_count, params);
  wasm_valtype_vec_new(&rs, result_count, results);
  return wasm_functype_new(&ps, &rs);
}

static inline own wasm_functype_t *wasm_functype_new_0_0(void) {
  return apus_functype_of(0, NULL, 0, NULL);
}

static inline own wasm_functype_t *wasm_functype_new_1_0(own wasm_valtype_t *p) {
  wasm_valtype_t *ps[] = {p};
  return apus_functype_of(1, ps, 0, NULL);
}

static inline own wasm_functype_t *wasm_functype_new_2_0(
    own wasm_valtype_t *p1, own wasm_valtype_t *p2) {
  wasm_valtype_t *ps[] = {p1, p2};
  return apus_functype_of(2, ps, 0, NULL);
}

static inline own wasm_functype_t *wasm_functype_new_3_0(
    own wasm_valtype_t *p1, own wasm_valtype_t *p2, own wasm_valtype_t *p3) {
  wasm_valtype_t *ps[] = {p1, p2, p3};
  return apus_functype_of(3, ps, 0, NULL);
}

static inline own wasm_functype_t *wasm_functype_new_0_1(own wasm_valtype_t *r) {
  wasm_valtype_t *rs[] = {r};
  return apus_functype_of(0, NULL, 1, rs);
}

static inline own wasm_functype_t *wasm_functype_new_1_1(
    own wasm_valtype_t *p,
    own wasm_valtype_t *r) {
  wasm_valtype_t *ps[] = {p};
  wasm_valtype_t *rs[] = {r};
  return apus_functype_of(1, ps, 1, rs);
}

static inline own wasm_functype_t *wasm_functype_new_2_1(
    own wasm_valtype_t *p1, own wasm_valtype_t *p2,
    own wasm_valtype_t *r) {
  wasm_valtype_t *ps[] = {p1, p2};
  wasm_valtype_t *rs[] = {r};
  return apus_functype_of(2, ps, 1, rs);
}

static inline own wasm_functype_t *wasm_functype_new_3_1(
    own wasm_valtype_t *p1, own wasm_valtype_t *p2, own wasm_valtype_t *p3,
    own wasm_valtype_t *r) {
  wasm_valtype_t *ps[] = {p1, p2, p3};
  wasm_valtype_t *rs[] = {r};
  return apus_functype_of(3, ps, 1, rs);
}

static inline own wasm_functype_t *wasm_functype_new_0_2(
    own wasm_valtype_t *r1, own wasm_valtype_t *r2) {
  wasm_valtype_t *rs[] = {r1, r2};
  return apus_functype_of(0, NULL, 2, rs);
}

static inline own wasm_functype_t *wasm_functype_new_1_2(
    own wasm_valtype_t *p,
    own wasm_valtype_t *r1, own wasm_valtype_t *r2) {
  wasm_valtype_t *ps[] = {p};
  wasm_valtype_t *rs[] = {r1, r2};
  return apus_functype_of(1, ps, 2, rs);
}

static inline own wasm_functype_t *wasm_functype_new_2_2(
    own wasm_valtype_t *p1, own wasm_valtype_t *p2,
    own wasm_valtype_t *r1, own wasm_valtype_t *r2) {
  wasm_valtype_t *ps[] = {p1, p2};
  wasm_valtype_t *rs[] = {r1, r2};
  return apus_functype_of(2, ps, 2, rs);
}

static inline own wasm_functype_t *wasm_functype_new_3_2(
    own wasm_valtype_t *p1, own wasm_valtype_t *p2, own wasm_valtype_t *p3,
    own wasm_valtype_t *r1, own wasm_valtype_t *r2) {
  wasm_valtype_t *ps[] = {p1, p2, p3};
  wasm_valtype_t *rs[] = {r1, r2};
  return apus_functype_of(3, ps, 2, rs);
}

/* A pointer of the host's as an integer of its size, and back. */
static inline void wasm_val_init_ptr(own wasm_val_t *out, void *p) {
  if (sizeof p == sizeof out->of.i32) {
    out->kind = WASM_I32;
    out->of.i32 = (int32_t)(intptr_t)p;
  } else {
    out->kind = WASM_I64;
    out->of.i64 = (int64_t)(intptr_t)p;
  }
}

static inline void *wasm_val_ptr(const wasm_val_t *val) {
  return sizeof(void *) == sizeof val->of.i32 ? (void *)(intptr_t)val->of.i32
                                              : (void *)(intptr_t)val->of.i64;
}

/* Initializers of values. */
#define WASM_I32_VAL(i) {.kind = WASM_I32, .of = {.i32 = i}}
#define WASM_I64_VAL(i) {.kind = WASM_I64, .of = {.i64 = i}}
#define WASM_F32_VAL(z) {.kind = WASM_F32, .of = {.f32 = z}}
#define WASM_F64_VAL(z) {.kind = WASM_F64, .of = {.f64 = z}}
#define WASM_REF_VAL(r) {.kind = WASM_EXTERNREF, .of = {.ref = r}}
#define WASM_INIT_VAL {.kind = WASM_EXTERNREF, .of = {.ref = NULL}}

#undef own

#ifdef __cplusplus
}
#endif

#endif
