internal import CApusC

/// The kinds of handles in words.
enum Kinds {
    private static let names: [UInt32: String] = [
        apus_kind_config.rawValue: "wasm_config_t",
        apus_kind_engine.rawValue: "wasm_engine_t",
        apus_kind_store.rawValue: "wasm_store_t",
        apus_kind_valtype.rawValue: "wasm_valtype_t",
        apus_kind_functype.rawValue: "wasm_functype_t",
        apus_kind_globaltype.rawValue: "wasm_globaltype_t",
        apus_kind_tabletype.rawValue: "wasm_tabletype_t",
        apus_kind_memorytype.rawValue: "wasm_memorytype_t",
        apus_kind_tagtype.rawValue: "type of a tag",
        apus_kind_importtype.rawValue: "wasm_importtype_t",
        apus_kind_exporttype.rawValue: "wasm_exporttype_t",
        apus_kind_frame.rawValue: "wasm_frame_t",
        apus_kind_shared_module.rawValue: "wasm_shared_module_t",
        apus_kind_trap.rawValue: "wasm_trap_t",
        apus_kind_foreign.rawValue: "wasm_foreign_t",
        apus_kind_module.rawValue: "wasm_module_t",
        apus_kind_func.rawValue: "wasm_func_t",
        apus_kind_global.rawValue: "wasm_global_t",
        apus_kind_table.rawValue: "wasm_table_t",
        apus_kind_memory.rawValue: "wasm_memory_t",
        apus_kind_tag.rawValue: "tag",
        apus_kind_instance.rawValue: "wasm_instance_t",
        apus_kind_object.rawValue: "reference to an object",
        apus_kind_interrupt.rawValue: "apus_interrupt_t",
        apus_kind_linker.rawValue: "apus_linker_t",
        apus_kind_wasi.rawValue: "apus_wasi_t",
        apus_kind_caller.rawValue: "apus_caller_t",
        apus_kind_externtype.rawValue: "wasm_externtype_t",
        apus_kind_extern.rawValue: "wasm_extern_t",
        apus_kind_ref.rawValue: "wasm_ref_t",
    ]

    /// The type that has these kinds.
    static func name(_ kinds: UInt32) -> String { names[kinds] ?? "handle" }
}
