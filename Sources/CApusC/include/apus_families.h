/* Between the functions of `wasm.h` that come in families, which `families.c` defines, and the
 * Swift code behind them. Not for embedders. */

#ifndef APUS_FAMILIES_H
#define APUS_FAMILIES_H

#include "apus.h"

/// What an opaque pointer of the API points to: one bit each, so that a function can take several.
enum apus_kind {
    apus_kind_config = 1 << 0,
    apus_kind_engine = 1 << 1,
    apus_kind_store = 1 << 2,
    apus_kind_valtype = 1 << 3,
    apus_kind_functype = 1 << 4,
    apus_kind_globaltype = 1 << 5,
    apus_kind_tabletype = 1 << 6,
    apus_kind_memorytype = 1 << 7,
    apus_kind_tagtype = 1 << 8,
    apus_kind_importtype = 1 << 9,
    apus_kind_exporttype = 1 << 10,
    apus_kind_frame = 1 << 11,
    apus_kind_shared_module = 1 << 12,
    apus_kind_trap = 1 << 13,
    apus_kind_foreign = 1 << 14,
    apus_kind_module = 1 << 15,
    apus_kind_func = 1 << 16,
    apus_kind_global = 1 << 17,
    apus_kind_table = 1 << 18,
    apus_kind_memory = 1 << 19,
    apus_kind_tag = 1 << 20,
    apus_kind_instance = 1 << 21,
    /// A reference to an object or an exception of a guest.
    apus_kind_object = 1 << 22,
    apus_kind_interrupt = 1 << 23,
    apus_kind_linker = 1 << 24,
    apus_kind_wasi = 1 << 25,
    /// Who calls a callback.
    apus_kind_caller = 1 << 26,

    apus_kind_externtype = apus_kind_functype | apus_kind_globaltype | apus_kind_tabletype
        | apus_kind_memorytype | apus_kind_tagtype,
    apus_kind_extern = apus_kind_func | apus_kind_global | apus_kind_table | apus_kind_memory
        | apus_kind_tag,
    apus_kind_ref = apus_kind_trap | apus_kind_foreign | apus_kind_module | apus_kind_extern
        | apus_kind_instance | apus_kind_object,
};

/// Everywhere: `kinds` are those that `caller`, the function of the API that is called, takes.
/// Whatever else it is given ends the process with a message.

/// Ends the process: `caller` was given NULL instead of a `type`.
void apus_pointer_missing(const char *caller, const char *type);

/// Gives up one owner of what `it` points to; NULL is nothing.
void apus_handle_delete(void *it, uint32_t kinds, const char *caller);
/// One more pointer to the same thing.
void *apus_handle_copy(const void *it, uint32_t kinds, const char *caller);
/// The same pointer if it is one of `wanted`, else NULL.
void *apus_handle_cast(const void *it, uint32_t kinds, uint32_t wanted, const char *caller);

/// Whether both refer to the same thing.
bool apus_reference_same(
    const void *one, const void *other, uint32_t kinds, const char *caller);
/// What the host has attached to the thing.
void *apus_reference_info(const void *it, uint32_t kinds, const char *caller);
void apus_reference_set_info(
    const void *it, void *info, void (*finalizer)(void *), uint32_t kinds, const char *caller);

#endif
