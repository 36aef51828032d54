// The API from C++: a small embedder, as one would write it, and the initializers of `wasm.h`.
#include <apus.h>
#include <wasm.h>

#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"

namespace {

template <auto remove>
struct Deleter {
    template <typename Object>
    void operator()(Object *object) const { remove(object); }
};

using Engine = std::unique_ptr<wasm_engine_t, Deleter<wasm_engine_delete>>;
using Store = std::unique_ptr<wasm_store_t, Deleter<wasm_store_delete>>;
using Module = std::unique_ptr<wasm_module_t, Deleter<wasm_module_delete>>;
using Instance = std::unique_ptr<wasm_instance_t, Deleter<wasm_instance_delete>>;
using Func = std::unique_ptr<wasm_func_t, Deleter<wasm_func_delete>>;
using FuncType = std::unique_ptr<wasm_functype_t, Deleter<wasm_functype_delete>>;
using Trap = std::unique_ptr<wasm_trap_t, Deleter<wasm_trap_delete>>;

struct Externs : wasm_extern_vec_t {
    explicit Externs(const Instance &instance) { wasm_instance_exports(instance.get(), this); }
    Externs(const Externs &) = delete;
    ~Externs() { wasm_extern_vec_delete(this); }
};

std::string text(const Trap &trap) {
    wasm_message_t message;
    wasm_trap_message(trap.get(), &message);
    std::string text(message.data);
    wasm_name_delete(&message);
    return text;
}

using Closure = std::function<int32_t(int32_t)>;

/// No exception may leave a callback: it becomes a trap.
wasm_trap_t *callClosure(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results) {
    try {
        results->data[0].of.i32 = (*static_cast<Closure *>(env))(args->data[0].of.i32);
        return nullptr;
    } catch (const std::exception &error) {
        wasm_message_t message;
        wasm_name_new_from_string_nt(&message, error.what());
        wasm_trap_t *trap = wasm_trap_new(nullptr, &message);
        wasm_name_delete(&message);
        return trap;
    }
}

Func makeFunction(const Store &store, Closure closure) {
    FuncType type(wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32()));
    return Func(wasm_func_new_with_env(
        store.get(), type.get(), callClosure, new Closure(std::move(closure)),
        [](void *env) { delete static_cast<Closure *>(env); }));
}

}  // namespace

int main() {
    assertions();
    Engine engine(wasm_engine_new());
    Store store(wasm_store_new(engine.get()));
    const std::string source =
        "(module (import \"\" \"f\" (func $f (param i32) (result i32)))"
        " (func (export \"g\") (param i32) (result i32)"
        "  (i32.add (call $f (local.get 0)) (i32.const 1))))";
    Module module(apus_module_new_text(engine.get(), source.data(), source.size()));
    CHECK(module != nullptr);

    auto calls = std::make_shared<int>(0);
    Func function = makeFunction(store, [calls](int32_t value) {
        if (value < 0) throw std::invalid_argument("less than nothing");
        ++*calls;
        return value * 2;
    });
    CHECK(calls.use_count() == 2);
    wasm_extern_t *items[] = {wasm_func_as_extern(function.get())};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
    Instance instance(wasm_instance_new(store.get(), module.get(), &imports, nullptr));
    CHECK(instance != nullptr);
    {
        Externs exports(instance);
        wasm_func_t *g = wasm_extern_as_func(exports.data[0]);
        wasm_val_t arguments[] = {WASM_I32_VAL(20)}, values[] = {WASM_INIT_VAL};
        wasm_val_vec_t args = WASM_ARRAY_VEC(arguments), results = WASM_ARRAY_VEC(values);
        Trap trap(wasm_func_call(g, &args, &results));
        CHECK(trap == nullptr && values[0].of.i32 == 41 && *calls == 1);
        arguments[0].of.i32 = -1;
        trap.reset(wasm_func_call(g, &args, &results));
        CHECK(trap != nullptr && text(trap) == "less than nothing" && *calls == 1);
    }
    function.reset();
    instance.reset();
    store.reset();
    CHECK(calls.use_count() == 1);
    wasm_val_vec_t empty = WASM_EMPTY_VEC;
    CHECK(empty.size == 0);
    std::puts("embedding: done");
    return 0;
}
