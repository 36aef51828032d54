// What no program may do, by number: each ends the process with a message.
#include <apus.h>

#include "check.h"

static const apus_caller_t *kept_caller;
static wasm_trap_t *keep_caller(
    void *env, const apus_caller_t *caller, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    (void)env, (void)args, (void)results;
    kept_caller = caller;
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    switch (atoi(argv[1])) {
        case 0:
            wasm_foreign_delete(foreign);
            wasm_foreign_delete(foreign);
            break;
        case 1:
            wasm_foreign_delete(foreign);
            wasm_foreign_set_host_info(foreign, NULL);
            break;
        case 2:
            wasm_store_delete(store);
            wasm_foreign_new(store);
            break;
        case 3: wasm_func_call(NULL, &none, &none); break;
        case 4: wasm_func_call((wasm_func_t *)type, &none, &none); break;
        case 5: {
            // What is given away is as good as deleted.
            wasm_externtype_t *given = wasm_functype_as_externtype(type);
            wasm_name_t name;
            wasm_name_new_from_string(&name, "f");
            wasm_exporttype_new(&name, given);
            wasm_functype_delete(type);
            break;
        }
        case 6: {
            wasm_config_t *config = wasm_config_new();
            wasm_engine_delete(wasm_engine_new_with_config(config));
            apus_config_set_fuel_metering(config, true);
            break;
        }
        case 7: {
            // Many others come and go, and still it is known.
            wasm_foreign_delete(foreign);
            for (int round = 0; round < 10000; round++) {
                wasm_foreign_delete(wasm_foreign_new(store));
            }
            wasm_foreign_delete(foreign);
            break;
        }
        case 8: {
            long words[4] = {0};
            wasm_store_new((wasm_engine_t *)words);
            break;
        }
        case 9: {
            wasm_module_t *module = apus_module_new_text(engine, "(module)", 8);
            wasm_module_exports(module, NULL);
            break;
        }
        case 10: wasm_byte_vec_new_empty(NULL); break;
        case 11: {
            wasm_byte_vec_t vector;
            wasm_byte_vec_new(&vector, 1, NULL);
            break;
        }
        case 12: {
            wasm_val_t value = WASM_I32_VAL(0);
            wasm_val_copy(&value, NULL);
            break;
        }
        case 13: {
            wasm_byte_vec_t binary = {8, NULL};
            wasm_module_new(store, &binary);
            break;
        }
        case 14: apus_caller_memory((const apus_caller_t *)store, NULL); break;
        case 15: {
            wasm_func_t *function = apus_func_new(store, type, keep_caller, NULL, NULL);
            wasm_func_call(function, &none, &none);
            apus_caller_memory(kept_caller, NULL);
            break;
        }
        default: break;
    }
    // Nothing was found out.
    wasm_foreign_delete(foreign);
    wasm_functype_delete(type);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
