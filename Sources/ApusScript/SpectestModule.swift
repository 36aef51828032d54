internal import Apus
internal import ApusFormat
internal import ApusText

/// The module `spectest` that the suite's scripts import from, written as modules: one for each
/// part that needs a feature of its own.
enum SpectestModule {
    private static let texts = [
        """
        (module
          (global (export "global_i32") i32 (i32.const 666))
          (global (export "global_i64") i64 (i64.const 666))
          (global (export "global_f32") f32 (f32.const 666.6))
          (global (export "global_f64") f64 (f64.const 666.6))
          (table (export "table") 10 20 funcref)
          (memory (export "memory") 1 2)
          (func (export "print"))
          (func (export "print_i32") (param i32))
          (func (export "print_i64") (param i64))
          (func (export "print_f32") (param f32))
          (func (export "print_f64") (param f64))
          (func (export "print_i32_f32") (param i32 f32))
          (func (export "print_f64_f64") (param f64 f64)))
        """,
        #"(module (table (export "table64") i64 10 20 funcref))"#,
        #"(module (memory (export "shared_memory") 1 2 shared))"#,
    ]

    /// What its instances take of a store's limits.
    static func makeRoom(in limits: inout Limits, _ features: FeatureSet) {
        let tables: UInt64 = features.has(.memory64) ? 2 : 1
        let memories: UInt64 = features.has(.threads) ? 2 : 1
        limits.memoryBytes = limits.memoryBytes.addingSaturated(memories << 16)
        limits.tableElements = limits.tableElements.addingSaturated(10 * tables)
        limits.instances = limits.instances.addingSaturated(Int(tables + memories) - 1)
    }

    private static let modules = texts.compactMap { try? TextFormat.parseModule($0) }

    /// Registers what the engine's features allow.
    static func register(in engine: inout some ScriptEngine) {
        for module in modules {
            guard let compiled = try? engine.compile(module),
                let instance = try? engine.instantiate(compiled)
            else { continue }
            try? engine.register(instance, as: "spectest")
        }
    }
}

extension FixedWidthInteger {
    /// The sum, or the greatest number if that is less.
    fileprivate func addingSaturated(_ other: Self) -> Self {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
