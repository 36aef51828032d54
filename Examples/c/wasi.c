/* Runs a WASI program with a folder, and its output taken by the host. */
#include <apus.h>
#include <stdio.h>

static void write_loudly(void *env, const byte_t *bytes, size_t count) {
  (void)env;
  printf("[%.*s]\n", (int)count, bytes);
}

int main(int argc, char **argv) {
  if (argc < 2) return fprintf(stderr, "usage: wasi PROGRAM [ARGUMENTS]\n"), 64;
  wasm_engine_t *engine = wasm_engine_new();
  wasm_module_t *module = apus_module_new_file(engine, argv[1]);
  if (module == NULL) return fprintf(stderr, "%s\n", apus_last_error()), 1;

  apus_limits_t limits;
  apus_limits_init(&limits, sizeof limits);
  limits.memory_bytes = 64 << 20;
  wasm_store_t *store = apus_store_new(engine, &limits);

  apus_wasi_t *wasi = apus_wasi_new();
  apus_wasi_set_arguments(wasi, (size_t)argc - 1, (const char *const *)argv + 1);
  apus_wasi_preopen(wasi, "/", ".", false);
  apus_wasi_set_output(wasi, write_loudly, NULL, NULL);
  int32_t status = 1;
  wasm_trap_t *trap = NULL;
  if (!apus_wasi_run(wasi, store, module, &status, &trap)) {
    wasm_message_t message;
    apus_trap_description(trap, &message);
    fprintf(stderr, "%s\n", message.data);
    wasm_name_delete(&message);
    wasm_trap_delete(trap);
  }
  apus_wasi_delete(wasi);
  wasm_store_delete(store);
  wasm_module_delete(module);
  wasm_engine_delete(engine);
  return status;
}
