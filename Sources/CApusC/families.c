// The functions of `wasm.h` that come in families: what it declares by macros is defined by macros
// here, so that no member is forgotten. What they do is done elsewhere; only vectors and values are
// made of memory alone.
#include "apus_families.h"

#include <stdlib.h>

// MARK: Vectors

/// Room for `count` elements of `size` bytes, all of them zero; NULL if there are none.
static void *room(size_t count, size_t size) {
    if (count == 0) return NULL;
    void *room = calloc(count, size);
    // There is no way to say that there is no memory, and no program that could go on.
    if (room == NULL) abort();
    return room;
}

/// Ends the process if there is nothing at `pointer`, which `caller` wants to be a `type`.
#define NEED(pointer, caller, type) \
    if ((pointer) == NULL) apus_pointer_missing(caller, type)

#define DEFINE_VEC(name, element, copy, discard) \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t *out) { \
        NEED(out, "wasm_" #name "_vec_new_empty", "wasm_" #name "_vec_t"); \
        out->size = 0; \
        out->data = NULL; \
    } \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t *out, size_t size) { \
        NEED(out, "wasm_" #name "_vec_new_uninitialized", "wasm_" #name "_vec_t"); \
        out->size = size; \
        out->data = room(size, sizeof(element)); \
    } \
    void wasm_##name##_vec_new(wasm_##name##_vec_t *out, size_t size, element const data[]) { \
        NEED(out, "wasm_" #name "_vec_new", "wasm_" #name "_vec_t"); \
        if (size > 0) NEED(data, "wasm_" #name "_vec_new", #element); \
        wasm_##name##_vec_new_uninitialized(out, size); \
        if (size > 0) memcpy(out->data, data, size * sizeof(element)); \
    } \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *vec) { \
        NEED(out, "wasm_" #name "_vec_copy", "wasm_" #name "_vec_t"); \
        NEED(vec, "wasm_" #name "_vec_copy", "wasm_" #name "_vec_t"); \
        size_t size = vec->size; \
        element *source = vec->data; \
        wasm_##name##_vec_new_uninitialized(out, size); \
        for (size_t index = 0; index < size; index++) copy(name, out->data, source, index); \
    } \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *vec) { \
        if (vec == NULL) return; \
        for (size_t index = 0; index < vec->size; index++) discard(name, vec->data, index); \
        free(vec->data); \
        wasm_##name##_vec_new_empty(vec); \
    }

#define COPY_BYTE(name, to, from, index) to[index] = from[index]
#define DISCARD_BYTE(name, data, index) (void)0
#define COPY_VALUE(name, to, from, index) wasm_val_copy(&to[index], &from[index])
#define DISCARD_VALUE(name, data, index) wasm_val_delete(&data[index])
#define COPY_POINTER(name, to, from, index) \
    if (from[index] != NULL) to[index] = wasm_##name##_copy(from[index])
#define DISCARD_POINTER(name, data, index) wasm_##name##_delete(data[index])

#define DEFINE_POINTER_VEC(name) \
    DEFINE_VEC(name, wasm_##name##_t *, COPY_POINTER, DISCARD_POINTER)

DEFINE_VEC(byte, wasm_byte_t, COPY_BYTE, DISCARD_BYTE)
DEFINE_VEC(val, wasm_val_t, COPY_VALUE, DISCARD_VALUE)
DEFINE_POINTER_VEC(valtype)
DEFINE_POINTER_VEC(functype)
DEFINE_POINTER_VEC(globaltype)
DEFINE_POINTER_VEC(tabletype)
DEFINE_POINTER_VEC(memorytype)
DEFINE_POINTER_VEC(externtype)
DEFINE_POINTER_VEC(importtype)
DEFINE_POINTER_VEC(exporttype)
DEFINE_POINTER_VEC(frame)
DEFINE_POINTER_VEC(extern)

// MARK: Values

void wasm_val_delete(wasm_val_t *value) {
    if (value == NULL || !wasm_valkind_is_ref(value->kind)) return;
    wasm_ref_delete(value->of.ref);
    value->of.ref = NULL;
}

void wasm_val_copy(wasm_val_t *out, const wasm_val_t *value) {
    NEED(out, "wasm_val_copy", "wasm_val_t");
    NEED(value, "wasm_val_copy", "wasm_val_t");
    wasm_val_t copy = *value;
    if (wasm_valkind_is_ref(copy.kind) && copy.of.ref != NULL) {
        copy.of.ref = wasm_ref_copy(copy.of.ref);
    }
    *out = copy;
}

// MARK: What can be deleted, and what can be copied

#define DEFINE_OWN_AS(type, name) \
    void name##_delete(type *it) { apus_handle_delete(it, KIND(name), #name "_delete"); }
#define DEFINE_COPY_AS(type, name) \
    type *name##_copy(const type *it) { \
        return apus_handle_copy(it, KIND(name), #name "_copy"); \
    }
#define KIND(name) KIND_##name
#define DEFINE_OWN(name) DEFINE_OWN_AS(wasm_##name##_t, wasm_##name)
#define DEFINE_COPY(name) DEFINE_COPY_AS(wasm_##name##_t, wasm_##name)
#define DEFINE_TYPE(name) DEFINE_OWN(name) DEFINE_COPY(name)

#define KIND_wasm_config apus_kind_config
#define KIND_wasm_engine apus_kind_engine
#define KIND_wasm_store apus_kind_store
#define KIND_wasm_valtype apus_kind_valtype
#define KIND_wasm_functype apus_kind_functype
#define KIND_wasm_globaltype apus_kind_globaltype
#define KIND_wasm_tabletype apus_kind_tabletype
#define KIND_wasm_memorytype apus_kind_memorytype
#define KIND_wasm_externtype apus_kind_externtype
#define KIND_wasm_importtype apus_kind_importtype
#define KIND_wasm_exporttype apus_kind_exporttype
#define KIND_wasm_frame apus_kind_frame
#define KIND_wasm_shared_module apus_kind_shared_module
#define KIND_wasm_ref apus_kind_ref
#define KIND_wasm_trap apus_kind_trap
#define KIND_wasm_foreign apus_kind_foreign
#define KIND_wasm_module apus_kind_module
#define KIND_wasm_func apus_kind_func
#define KIND_wasm_global apus_kind_global
#define KIND_wasm_table apus_kind_table
#define KIND_wasm_memory apus_kind_memory
#define KIND_wasm_extern apus_kind_extern
#define KIND_wasm_instance apus_kind_instance
#define KIND_apus_interrupt apus_kind_interrupt
#define KIND_apus_linker apus_kind_linker
#define KIND_apus_wasi apus_kind_wasi

DEFINE_OWN(config)
DEFINE_OWN(engine)
DEFINE_OWN(store)
DEFINE_OWN(shared_module)
DEFINE_TYPE(valtype)
DEFINE_TYPE(functype)
DEFINE_TYPE(globaltype)
DEFINE_TYPE(tabletype)
DEFINE_TYPE(memorytype)
DEFINE_TYPE(externtype)
DEFINE_TYPE(importtype)
DEFINE_TYPE(exporttype)
DEFINE_TYPE(frame)
DEFINE_OWN_AS(apus_interrupt_t, apus_interrupt)
DEFINE_OWN_AS(apus_linker_t, apus_linker)
DEFINE_OWN_AS(apus_wasi_t, apus_wasi)

// MARK: References

#define DEFINE_REF_BASE(name) \
    DEFINE_TYPE(name) \
    bool wasm_##name##_same(const wasm_##name##_t *one, const wasm_##name##_t *other) { \
        return apus_reference_same( \
            one, other, apus_kind_##name, "wasm_" #name "_same"); \
    } \
    void *wasm_##name##_get_host_info(const wasm_##name##_t *it) { \
        return apus_reference_info(it, apus_kind_##name, "wasm_" #name "_get_host_info"); \
    } \
    void wasm_##name##_set_host_info(wasm_##name##_t *it, void *info) { \
        apus_reference_set_info( \
            it, info, NULL, apus_kind_##name, "wasm_" #name "_set_host_info"); \
    } \
    void wasm_##name##_set_host_info_with_finalizer( \
        wasm_##name##_t *it, void *info, void (*finalizer)(void *)) { \
        apus_reference_set_info( \
            it, info, finalizer, apus_kind_##name, \
            "wasm_" #name "_set_host_info_with_finalizer"); \
    }

/// `type` as `other`, and as `other` what is not to be changed.
#define DEFINE_CAST(type, other, from, to, name) \
    other *name(type *it) { return apus_handle_cast(it, from, to, #name); } \
    const other *name##_const(const type *it) { \
        return apus_handle_cast(it, from, to, #name "_const"); \
    }

/// From `name` to `whole`, which it is one of, and back.
#define DEFINE_CASTS(name, whole) \
    DEFINE_CAST( \
        wasm_##name##_t, wasm_##whole##_t, apus_kind_##name, apus_kind_##whole, \
        wasm_##name##_as_##whole) \
    DEFINE_CAST( \
        wasm_##whole##_t, wasm_##name##_t, apus_kind_##whole, apus_kind_##name, \
        wasm_##whole##_as_##name)

#define DEFINE_REF(name) DEFINE_REF_BASE(name) DEFINE_CASTS(name, ref)

DEFINE_REF_BASE(ref)
DEFINE_REF(trap)
DEFINE_REF(foreign)
DEFINE_REF(module)
DEFINE_REF(func)
DEFINE_REF(global)
DEFINE_REF(table)
DEFINE_REF(memory)
DEFINE_REF(extern)
DEFINE_REF(instance)

DEFINE_CASTS(func, extern)
DEFINE_CASTS(global, extern)
DEFINE_CASTS(table, extern)
DEFINE_CASTS(memory, extern)

DEFINE_CASTS(functype, externtype)
DEFINE_CASTS(globaltype, externtype)
DEFINE_CASTS(tabletype, externtype)
DEFINE_CASTS(memorytype, externtype)

// The definition that C wants to have somewhere of a function that is inline.
extern inline void assertions(void);
