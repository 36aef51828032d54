public import Apus
public import ApusFormat
internal import ApusText

/// Apus as an engine for scripts.
public struct ApusScriptEngine: ScriptEngine {
    private let engine: Engine
    private let savesModules: Bool
    private var store: Store
    private var linker: Linker

    /// An engine for scripts, whose stores have the limits of `configuration`: what `spectest` has,
    /// which scripts import from, does not count. If it `savesModules`, each is written down with
    /// its code, and what is read of that is used.
    public init(_ configuration: Engine.Configuration = .init(), savesModules: Bool = false) {
        var configuration = configuration
        SpectestModule.makeRoom(in: &configuration.limits, configuration.features)
        engine = Engine(configuration)
        self.savesModules = savesModules
        store = Store(engine)
        linker = Linker(engine)
    }

    public var runsInstances: Bool { true }

    public mutating func beginScript() {
        store = Store(engine)
        linker = Linker(engine)
    }

    public func validate(_ bytes: [UInt8]) throws(ScriptFailure) {
        try Self.translatingErrors { try Module.validate(engine, bytes: bytes) }
    }

    public func compile(_ bytes: [UInt8]) throws(ScriptFailure) -> Module {
        try Self.translatingErrors {
            let module = try Module(engine, bytes: bytes)
            return savesModules ? try Module(engine, precompiled: module.serialize()) : module
        }
    }

    public mutating func instantiate(_ module: Module) throws(ScriptFailure) -> Instance {
        try Self.translatingErrors { try linker.instantiate(module, in: store) }
    }

    public mutating func register(
        _ instance: Instance, as name: String
    ) throws(ScriptFailure) {
        do {
            try linker.define(name, instance)
        } catch {
            throw ScriptFailure(error)
        }
    }

    public mutating func call(
        _ instance: Instance, _ name: String, _ arguments: [ScriptValue]
    ) throws(ScriptFailure) -> [ScriptValue] {
        let values = arguments.compactMap { Value($0) }
        guard values.count == arguments.count else {
            throw .unsupported(ScriptFailure.values)
        }
        return try Self.translatingErrors {
            try instance.function(name).call(values).map { ScriptValue($0) }
        }
    }

    public func global(
        _ instance: Instance, _ name: String
    ) throws(ScriptFailure) -> ScriptValue {
        try Self.translatingErrors { ScriptValue(try instance.global(name).value) }
    }

    private static func translatingErrors<Result>(
        _ work: () throws -> Result
    ) throws(ScriptFailure) -> Result {
        do {
            return try work()
        } catch {
            throw ScriptFailure(error)
        }
    }
}

extension ScriptFailure {
    fileprivate static let values = "values of a type that the API does not have"

    /// What an error of Apus's means to a script.
    init(_ error: any Error) {
        switch error {
        case let error as ModuleError: self.init(error)
        case let error as LinkError:
            let words = error.found == nil ? "unknown import" : "incompatible import type"
            let text = "\(error)"
            // Scripts expect these words; most errors begin with them.
            self = .unlinkable(text.hasPrefix(words) ? text : "\(words): \(text)")
        case let exception as WasmException: self = .exception("\(exception)")
        case let trap as Trap: self = .trap("\(trap.code)")
        case let error as ResourceError: self = .limit("\(error)")
        case let error as TypeError where error.expected.isEmpty: self = .unsupported(Self.values)
        default: self = .other("\(error)")
        }
    }

    /// What it means to a script that a module is refused.
    public init(_ error: ModuleError) {
        self =
            switch error.kind {
            case .malformed: .malformed(error.message)
            case .invalid: .invalid(error.message)
            case .unsupported(let feature): .unsupported(feature.name)
            case .limit: .limit(error.message)
            case .component: .unsupported("components")
            case .miscompiled: .other("\(error)")
            }
    }
}

extension Value {
    /// The same value for the API; nil if it has no such values.
    init?(_ value: ScriptValue) {
        switch value {
        case .i32(let bits): self = .i32(Int32(bitPattern: bits))
        case .i64(let bits): self = .i64(Int64(bitPattern: bits))
        case .f32(let bits): self = .f32(Float(bitPattern: bits))
        case .f64(let bits): self = .f64(Double(bitPattern: bits))
        case .v128(let low, let high): self = .v128(Vector128(low: low, high: high))
        case .null(.func): self = .function(nil)
        case .null(.extern): self = .external(nil)
        case .null(.exn): self = .exception(nil)
        case .external(let number?): self = .external(ExternReference(number))
        case .null(let heap) where heap != .exn && heap != .noexn: self = .any(nil)
        case .host(let number?): self = .any(.external(ExternReference(number)))
        case .null, .external(nil), .host, .reference: return nil
        }
    }
}

extension ScriptValue {
    /// A value of the API's.
    init(_ value: Value) {
        self =
            switch value {
            case .i32(let number): .i32(UInt32(bitPattern: number))
            case .i64(let number): .i64(UInt64(bitPattern: number))
            case .f32(let number): .f32(bits: number.bitPattern)
            case .f64(let number): .f64(bits: number.bitPattern)
            case .v128(let vector): .v128(low: vector.low, high: vector.high)
            case .function(let function): function == nil ? .null(.func) : .reference(.func)
            case .external(let reference):
                reference.map { .external($0.value as? UInt32) } ?? .null(.extern)
            case .any(nil): .null(.any)
            case .any(.integer?): .reference(.i31)
            case .any(.structure?): .reference(.struct)
            case .any(.array?): .reference(.array)
            case .any(.external(let reference)?): .host(reference.value as? UInt32)
            case .exception(let exception): exception == nil ? .null(.exn) : .reference(.exn)
            }
    }
}
