/* What Apus has beside the standard C API (`wasm.h`): settings, limits, deadlines, fuel, texts,
 * files, names in backtraces, linking by name, and WASI. The same rules hold as there, those of
 * `own` among them. */

#ifndef APUS_H
#define APUS_H

#include "wasm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define own

/* ---------------------------------------------------------------------------------------------- */
/* Errors */

/* Why a function has failed. */
typedef uint8_t apus_error_kind_t;
enum apus_error_kind_enum {
  APUS_ERROR_NONE,
  /* A module is malformed or not valid. */
  APUS_ERROR_MODULE,
  /* A text does not follow the format. */
  APUS_ERROR_TEXT,
  /* An import is missing or of another type. */
  APUS_ERROR_LINK,
  /* There is no export of that name. */
  APUS_ERROR_EXPORT,
  /* A value or a type is not what is wanted. */
  APUS_ERROR_TYPE,
  /* Something belongs to another store or engine. */
  APUS_ERROR_FOREIGN_STORE,
  /* The system, or a limit, has refused something. */
  APUS_ERROR_RESOURCE,
  /* A compiled module cannot be used here. */
  APUS_ERROR_ARTIFACT,
  /* A file cannot be read or written. */
  APUS_ERROR_FILE,
  /* A guest has trapped, or was stopped. */
  APUS_ERROR_TRAP,
  /* Anything else. */
  APUS_ERROR_OTHER,
};

/* Why the function that failed last on this thread did; NONE if none has. A function that succeeds
 * changes nothing about it. */
WASM_API_EXTERN apus_error_kind_t apus_last_error_kind(void);
/* The same in words: lent until the next function fails on this thread; NULL if none has. */
WASM_API_EXTERN const char *apus_last_error(void);

/* ---------------------------------------------------------------------------------------------- */
/* Kinds that the standard has no names for */

enum apus_valkind_enum {
  /* A vector of 128 bits. No `wasm_val_t` holds one: see `apus_func_call_cells`. */
  APUS_V128 = 4,
  /* References to structures, arrays and integers of 31 bits. */
  APUS_ANYREF = 130,
  /* References to exceptions. */
  APUS_EXNREF = 131,
};

enum apus_externkind_enum {
  /* A kind of exceptions. It can be passed from exports to imports. */
  APUS_EXTERN_TAG = 4,
};

/* What the exceptions of a tag carry; NULL if the type is none of a tag. */
WASM_API_EXTERN const wasm_valtype_vec_t *apus_externtype_tag_params(const wasm_externtype_t *);

/* ---------------------------------------------------------------------------------------------- */
/* Limits */

/* What guests may use. Whoever calls `apus_limits_init` first and then changes fields has the
 * defaults in all others, in later versions, too. */
typedef struct apus_limits_t {
  /* Set by `apus_limits_init`: the size of this structure. */
  size_t size;
  /* Bytes of all memories of a store together. */
  uint64_t memory_bytes;
  /* Elements of all tables of a store together. */
  uint64_t table_elements;
  /* Bytes of the heap of a store's garbage-collected objects. */
  uint64_t heap_bytes;
  /* Numbers of memories, tables and instances in a store. Only the host makes any, so there is no
   * limit at first. */
  uint64_t memories;
  uint64_t tables;
  uint64_t instances;
  /* Bytes of stack that guests may use. */
  uint64_t stack_bytes;
  /* Bytes of a module, and how many functions it may have: of engines only. */
  uint64_t module_bytes;
  uint64_t functions;
  /* Bytes of machine code that a module may become; 0: in proportion to the module. Of engines
   * only. */
  uint64_t code_bytes;
  /* The fuel that the guests of a store begin with; UINT64_MAX: none. */
  uint64_t fuel;
  /* How many nanoseconds after the store is made its guests may run; UINT64_MAX: without end. */
  uint64_t deadline;
  /* How many types a module may have: of engines only. */
  uint64_t types;
} apus_limits_t;

/* Writes the defaults. `size` is that of the structure as the caller knows it. */
WASM_API_EXTERN void apus_limits_init(apus_limits_t *out, size_t size);

/* ---------------------------------------------------------------------------------------------- */
/* Configuration */

typedef uint8_t apus_compiler_t;
enum apus_compiler_enum {
  /* Functions are compiled when they are first called, and anew when they are hot. */
  APUS_COMPILER_TIERED,
  /* At once, in one pass. */
  APUS_COMPILER_BASELINE,
  /* At once, to the best code. */
  APUS_COMPILER_OPTIMIZING,
};

WASM_API_EXTERN void apus_config_set_compiler(wasm_config_t *, apus_compiler_t);
/* Switches a part of WebAssembly on or off, by the names that `apus run --feature` knows. False if
 * there is none of that name. */
WASM_API_EXTERN bool apus_config_set_feature(wasm_config_t *, const char *name, bool is_on);
/* Whether guests use up fuel while they run. */
WASM_API_EXTERN void apus_config_set_fuel_metering(wasm_config_t *, bool);
/* Whether code looks by itself whether it is to stop, and no signal is used. */
WASM_API_EXTERN void apus_config_set_interruption_by_polling(wasm_config_t *, bool);
/* How many threads compile a module; 0: as many as there are processors. */
WASM_API_EXTERN void apus_config_set_compilation_threads(wasm_config_t *, uint32_t);
/* The limits of the engine's modules, and of stores that have none of their own. */
WASM_API_EXTERN void apus_config_set_limits(wasm_config_t *, const apus_limits_t *);
/* A directory for what was compiled, which must be its user's alone, and how many bytes may be in
 * it; 0: 1 GiB. A module that would take more than half of them is not kept. */
WASM_API_EXTERN void apus_config_set_cache(
    wasm_config_t *, const char *directory, uint64_t bytes_limit);
/* Takes instances from a pool with room for so many, of which each memory may have `memory_bytes`
 * and each table `table_elements`. */
WASM_API_EXTERN void apus_config_set_pool(
    wasm_config_t *, uint32_t instances, uint64_t memory_bytes, uint64_t table_elements);

/* ---------------------------------------------------------------------------------------------- */
/* Stores */

/* A store with limits of its own; NULL: those of the engine. */
WASM_API_EXTERN own wasm_store_t *apus_store_new(wasm_engine_t *, const apus_limits_t *);

/* When guests of the store are to stop, so many nanoseconds from now: it holds for each call until
 * it is set anew. UINT64_MAX: never. */
WASM_API_EXTERN void apus_store_set_deadline(wasm_store_t *, uint64_t nanoseconds);
/* How much fuel guests have left. Only engines that meter it have any. */
WASM_API_EXTERN uint64_t apus_store_fuel(const wasm_store_t *);
WASM_API_EXTERN void apus_store_set_fuel(wasm_store_t *, uint64_t);
/* Whether guests have been told to stop: for callbacks that take long. */
WASM_API_EXTERN bool apus_store_is_interrupted(const wasm_store_t *);
/* Lets go now of what guests cannot reach any more; it happens by itself when there is much. */
WASM_API_EXTERN void apus_store_collect(wasm_store_t *);

/* Stops the guests of a store. It may be used, and deleted, by any thread at any time; the store it
 * was made for may be gone. */
typedef struct apus_interrupt_t apus_interrupt_t;
WASM_API_EXTERN void apus_interrupt_delete(own apus_interrupt_t *);
WASM_API_EXTERN own apus_interrupt_t *apus_interrupt_new(wasm_store_t *);
/* Stops the call that runs, or, if there is none, the next one. */
WASM_API_EXTERN void apus_interrupt(const apus_interrupt_t *);

/* What a store has and has used. */
typedef struct apus_store_statistics_t {
  /* Set by the caller: the size of this structure. */
  size_t size;
  uint64_t instances;
  uint64_t memories;
  uint64_t tables;
  uint64_t memory_bytes;
  uint64_t peak_memory_bytes;
  uint64_t table_elements;
  uint64_t heap_bytes;
  uint64_t traps;
  uint64_t fuel_used;
  uint64_t external_references;
} apus_store_statistics_t;

WASM_API_EXTERN void apus_store_statistics(const wasm_store_t *, apus_store_statistics_t *);

/* ---------------------------------------------------------------------------------------------- */
/* Modules */

/* The binary form of a module in text form. False if the text does not follow the format. */
WASM_API_EXTERN bool apus_text_to_binary(
    const char *text, size_t length, own wasm_byte_vec_t *out);
/* Modules in text form, and from files in either form. NULL if that fails. */
WASM_API_EXTERN own wasm_module_t *apus_module_new_text(
    wasm_engine_t *, const char *text, size_t length);
WASM_API_EXTERN own wasm_module_t *apus_module_new_file(wasm_engine_t *, const char *path);
/* A file with the module's machine code, and the module of one. Such a file must be the user's, and
 * nobody else may be able to write to it: what is in it is run. */
WASM_API_EXTERN bool apus_module_serialize_file(const wasm_module_t *, const char *path);
WASM_API_EXTERN own wasm_module_t *apus_module_deserialize_file(
    wasm_engine_t *, const char *path);
/* Leaves the code that functions have by now in the engine's cache, if it has one. */
WASM_API_EXTERN void apus_module_update_cache(const wasm_module_t *);

/* ---------------------------------------------------------------------------------------------- */
/* Traps and frames */

typedef uint8_t apus_trap_code_t;
enum apus_trap_code_enum {
  /* The host's: `wasm_trap_new`, or an error that is no trap. */
  APUS_TRAP_HOST,
  APUS_TRAP_UNREACHABLE,
  APUS_TRAP_MEMORY_OUT_OF_BOUNDS,
  APUS_TRAP_TABLE_OUT_OF_BOUNDS,
  APUS_TRAP_UNDEFINED_ELEMENT,
  APUS_TRAP_UNINITIALIZED_ELEMENT,
  APUS_TRAP_INDIRECT_CALL_TYPE_MISMATCH,
  APUS_TRAP_INTEGER_DIVIDE_BY_ZERO,
  APUS_TRAP_INTEGER_OVERFLOW,
  APUS_TRAP_INVALID_CONVERSION_TO_INTEGER,
  APUS_TRAP_STACK_EXHAUSTED,
  APUS_TRAP_NULL_REFERENCE,
  APUS_TRAP_UNALIGNED_ATOMIC,
  APUS_TRAP_EXPECTED_SHARED_MEMORY,
  APUS_TRAP_ARRAY_OUT_OF_BOUNDS,
  APUS_TRAP_CAST_FAILURE,
  APUS_TRAP_ALLOCATION_TOO_LARGE,
  APUS_TRAP_HEAP_EXHAUSTED,
  /* Stopped by a deadline or by `apus_interrupt`. */
  APUS_TRAP_INTERRUPTED,
  APUS_TRAP_OUT_OF_FUEL,
  /* An exception that no guest has caught. */
  APUS_TRAP_EXCEPTION,
  /* A program of the WASI has ended itself: `apus_trap_exit_status`. */
  APUS_TRAP_EXIT,
};

WASM_API_EXTERN apus_trap_code_t apus_trap_code(const wasm_trap_t *);
/* Whether a program of the WASI has ended itself, and with which status. */
WASM_API_EXTERN bool apus_trap_exit_status(const wasm_trap_t *, int32_t *status);
/* The message, and a line for each frame with the names of functions. It ends with a zero. */
WASM_API_EXTERN void apus_trap_description(const wasm_trap_t *, own wasm_message_t *out);

/* Exceptions. A tag is for those that carry values of these types; a trap that throws one, with as
 * many values of these types, is for callbacks to return, and guests can catch it. */
WASM_API_EXTERN own wasm_extern_t *apus_tag_new(wasm_store_t *, own wasm_valtype_vec_t *params);
WASM_API_EXTERN own wasm_trap_t *apus_exception_new(
    const wasm_extern_t *tag, const wasm_val_vec_t *values);
/* Whether a trap is an exception with this tag, and what it carries; false if it is none, carries a
 * vector, or the store is not that of its guest. */
WASM_API_EXTERN bool apus_trap_has_tag(const wasm_trap_t *, const wasm_extern_t *tag);
WASM_API_EXTERN bool apus_trap_exception_values(
    const wasm_trap_t *, wasm_store_t *, own wasm_val_vec_t *out);

/* The function's name in the module, or else the first it is exported under; empty if it has none.
 * It ends with a zero. */
WASM_API_EXTERN void apus_frame_func_name(const wasm_frame_t *, own wasm_name_t *out);
/* The same as its source has it, if a compiler of C++ or Rust has mangled it. */
WASM_API_EXTERN void apus_frame_source_name(const wasm_frame_t *, own wasm_name_t *out);

/* ---------------------------------------------------------------------------------------------- */
/* Functions */

/* Who calls a callback: lent for the time of the call. */
typedef struct apus_caller_t apus_caller_t;

/* What the instance that calls exports under a name; NULL if there is nothing, or if the host calls
 * the function itself. */
WASM_API_EXTERN own wasm_extern_t *apus_caller_export(const apus_caller_t *, const char *name);
/* The bytes of the memory that it exports as "memory", and how many there are; NULL if it has none.
 * They are good until the callback returns or calls a guest. */
WASM_API_EXTERN byte_t *apus_caller_memory(const apus_caller_t *, size_t *size);

typedef own wasm_trap_t *(*apus_func_callback_t)(
    void *env, const apus_caller_t *, const wasm_val_vec_t *args, wasm_val_vec_t *results);

/* A function whose callback sees who calls. */
WASM_API_EXTERN own wasm_func_t *apus_func_new(
    wasm_store_t *, const wasm_functype_t *, apus_func_callback_t, void *env,
    void (*finalizer)(void *));

/* Cells: the quick way, and the one for vectors. A call has as many cells of 8 bytes as there are
 * parameters or results, whichever is more; a vector takes two. Arguments are in them before the
 * call, results afterwards; numbers of 32 bits lie in the lower half, whose upper one does not
 * matter. Functions with references cannot be called so. */
WASM_API_EXTERN size_t apus_func_cell_count(const wasm_func_t *);
WASM_API_EXTERN own wasm_trap_t *apus_func_call_cells(
    const wasm_func_t *, uint64_t *cells, size_t count);

typedef own wasm_trap_t *(*apus_func_callback_cells_t)(
    void *env, const apus_caller_t *, uint64_t *cells);

/* NULL if the type has references. */
WASM_API_EXTERN own wasm_func_t *apus_func_new_cells(
    wasm_store_t *, const wasm_functype_t *, apus_func_callback_cells_t, void *env,
    void (*finalizer)(void *));

/* ---------------------------------------------------------------------------------------------- */
/* Linking by name */

/* What an instance exports under a name; NULL if there is nothing. */
WASM_API_EXTERN own wasm_extern_t *apus_instance_export(
    const wasm_instance_t *, const char *name);

/* Knows what modules may import. */
typedef struct apus_linker_t apus_linker_t;
WASM_API_EXTERN own apus_linker_t *apus_linker_new(wasm_engine_t *);
WASM_API_EXTERN void apus_linker_delete(own apus_linker_t *);
/* What is defined twice is what it was defined as last. The linker keeps it, and so its store. */
WASM_API_EXTERN void apus_linker_define(
    apus_linker_t *, const char *module, const char *name, const wasm_extern_t *);
/* All that an instance exports. */
WASM_API_EXTERN bool apus_linker_define_instance(
    apus_linker_t *, const char *module, const wasm_instance_t *);
/* As `wasm_instance_new`, but imports are looked up by their names. */
WASM_API_EXTERN own wasm_instance_t *apus_linker_instantiate(
    const apus_linker_t *, wasm_store_t *, const wasm_module_t *, own wasm_trap_t **);

/* ---------------------------------------------------------------------------------------------- */
/* WASI */

/* What a program is given of its host's world: nothing that is not said here. At first it has no
 * files, input, arguments or environment, its output goes nowhere, and its clocks and random
 * numbers are the same each time. */
typedef struct apus_wasi_t apus_wasi_t;
WASM_API_EXTERN own apus_wasi_t *apus_wasi_new(void);
WASM_API_EXTERN void apus_wasi_delete(own apus_wasi_t *);

/* The command line, of which the first is the program's own name. */
WASM_API_EXTERN void apus_wasi_set_arguments(
    apus_wasi_t *, size_t count, const char *const arguments[]);
/* The environment's variables, each as `NAME=VALUE`; one without `=` has an empty value. */
WASM_API_EXTERN void apus_wasi_set_environment(
    apus_wasi_t *, size_t count, const char *const variables[]);
/* The program uses the process's standard streams. */
WASM_API_EXTERN void apus_wasi_inherit_streams(apus_wasi_t *);
/* The program's input is these bytes, which are copied. */
WASM_API_EXTERN void apus_wasi_set_input(apus_wasi_t *, const void *bytes, size_t count);

/* Takes a piece of output. It must not call the guest. */
typedef void (*apus_wasi_output_t)(void *env, const byte_t *bytes, size_t count);
/* Where the program's output goes, and its errors; the finalizer is called with `env` when nobody
 * writes there any more. The threads of a program call it one after the other. */
WASM_API_EXTERN void apus_wasi_set_output(
    apus_wasi_t *, apus_wasi_output_t, void *env, void (*finalizer)(void *));
WASM_API_EXTERN void apus_wasi_set_error_output(
    apus_wasi_t *, apus_wasi_output_t, void *env, void (*finalizer)(void *));

/* The program may use the directory `host_path` as `guest_path`, and change it if `is_writable`. */
WASM_API_EXTERN void apus_wasi_preopen(
    apus_wasi_t *, const char *guest_path, const char *host_path, bool is_writable);
/* The program has the host's clocks and random numbers. */
WASM_API_EXTERN void apus_wasi_inherit_clocks_and_random(apus_wasi_t *);

/* Runs a program to its end. True with its exit status, 0 if it just returned; false with a trap if
 * it could not be linked, trapped or was stopped. Nobody has to want the trap (NULL). */
WASM_API_EXTERN bool apus_wasi_run(
    const apus_wasi_t *, wasm_store_t *, const wasm_module_t *, int32_t *status,
    own wasm_trap_t **);
/* An instance of a module whose functions the host calls (a reactor), initialized. */
WASM_API_EXTERN own wasm_instance_t *apus_wasi_instantiate(
    const apus_wasi_t *, wasm_store_t *, const wasm_module_t *, own wasm_trap_t **);
/* Defines the functions of the WASI in a linker. False if a directory cannot be opened. Instances
 * that the linker makes share one world: open files, and how far input has been read. */
WASM_API_EXTERN bool apus_linker_define_wasi(apus_linker_t *, const apus_wasi_t *);

#undef own

#ifdef __cplusplus
}
#endif

#endif
