/* A module in text form, a function of the host's, and a call. */
#include <apus.h>
#include <stdio.h>

static const char text[] =
    "(module (import \"env\" \"print\" (func $print (param i32)))"
    " (func (export \"run\") (param i32)"
    "  (call $print (i32.mul (local.get 0) (i32.const 2)))))";

static wasm_trap_t *print(const wasm_val_vec_t *args, wasm_val_vec_t *results) {
  (void)results;
  printf("the guest says %d\n", args->data[0].of.i32);
  return NULL;
}

int main(void) {
  wasm_engine_t *engine = wasm_engine_new();
  wasm_store_t *store = wasm_store_new(engine);
  wasm_module_t *module = apus_module_new_text(engine, text, sizeof text - 1);
  if (module == NULL) return fprintf(stderr, "%s\n", apus_last_error()), 1;

  wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t *host = wasm_func_new(store, type, print);
  wasm_extern_t *items[] = {wasm_func_as_extern(host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
  if (instance == NULL) return fprintf(stderr, "%s\n", apus_last_error()), 1;

  apus_store_set_deadline(store, 100000000); /* 100 ms */
  wasm_extern_t *run = apus_instance_export(instance, "run");
  wasm_val_t a[] = {WASM_I32_VAL(21)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(a), results = WASM_EMPTY_VEC;
  wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(run), &args, &results);
  if (trap != NULL) {
    wasm_message_t message;
    apus_trap_description(trap, &message);
    fprintf(stderr, "%s\n", message.data);
    wasm_name_delete(&message);
    wasm_trap_delete(trap);
  }

  wasm_extern_delete(run);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_functype_delete(type);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return 0;
}
