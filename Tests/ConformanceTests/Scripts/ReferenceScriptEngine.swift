import ApusFormat
import ApusScript
import ApusTestSupport

/// The reference interpreter as an engine for scripts: a check of both.
struct ReferenceScriptEngine: ScriptEngine {
    private var store = ReferenceStore()
    /// What may be imported, by module.
    private var registered: [String: [String: ReferenceInstance.Address]] = [:]
    private let features: FeatureSet
    /// Instructions that one call may take.
    private static let fuel = 50_000_000

    var runsInstances: Bool { true }

    init(features: FeatureSet) { self.features = features }

    mutating func beginScript() { self = Self(features: features) }

    func validate(_ bytes: [UInt8]) throws(ScriptFailure) { _ = try compile(bytes) }

    func compile(_ bytes: [UInt8]) throws(ScriptFailure) -> DecodedModule {
        do throws(ModuleError) {
            return try ValidModule.decode(bytes, features: features)
        } catch {
            throw ScriptFailure(error)
        }
    }

    func instantiate(_ module: DecodedModule) throws(ScriptFailure) -> ReferenceInstance {
        var imports: [ReferenceInstance.Address] = []
        for item in module.imports {
            guard let address = registered[item.module]?[item.name] else {
                throw .unlinkable("unknown import")
            }
            imports.append(address)
        }
        do {
            store.fuel = Self.fuel
            return try ReferenceInstance(module, in: store, imports: imports)
        } catch {
            throw failure(error)
        }
    }

    mutating func register(_ instance: ReferenceInstance, as name: String) {
        for export in instance.module.exports {
            registered[name, default: [:]][export.name] = instance.export(export.name)
        }
    }

    func call(
        _ instance: ReferenceInstance, _ name: String, _ arguments: [ScriptValue]
    ) throws(ScriptFailure) -> [ScriptValue] {
        guard case .function(let address) = instance.export(name) else {
            throw .other("no function \(name)")
        }
        let values = arguments.compactMap { ReferenceValue($0) }
        guard values.count == arguments.count else {
            throw .unsupported("values of a type that the interpreter does not have")
        }
        do {
            store.fuel = Self.fuel
            return try store.call(address, values).map { ScriptValue($0) }
        } catch {
            throw failure(error)
        }
    }

    func global(
        _ instance: ReferenceInstance, _ name: String
    ) throws(ScriptFailure) -> ScriptValue {
        guard case .global(let address) = instance.export(name) else {
            throw .other("no global \(name)")
        }
        return ScriptValue(store.globals[address].value(in: store))
    }

    private func failure(_ error: any Error) -> ScriptFailure {
        switch error {
        case let trap as ReferenceTrap: .trap(trap.rawValue)
        case let exception as ReferenceException: .exception(exception.description)
        case let error as ReferenceLinkError: .unlinkable(error.message)
        case let error as ReferenceUnsupported: .unsupported(error.what)
        default: .other("\(error)")
        }
    }
}

extension ReferenceValue {
    /// The same value for the interpreter; nil if it has no such values.
    fileprivate init?(_ value: ScriptValue) {
        switch value {
        case .i32(let bits): self = .i32(bits)
        case .i64(let bits): self = .i64(bits)
        case .f32(let bits): self = .f32(bits)
        case .f64(let bits): self = .f64(bits)
        case .v128(let low, let high): self = .v128(low: low, high: high)
        case .null(.func), .null(.nofunc): self = .function(nil)
        case .null(.extern), .null(.noextern): self = .extern(nil)
        case .null(.exn), .null(.noexn): self = .exception(nil)
        case .null: self = .any(nil)
        case .external(let number?): self = .extern(number)
        case .host(let number?): self = .any(.host(number))
        case .external(nil), .host(nil), .reference: return nil
        }
    }
}

extension ScriptValue {
    fileprivate init(_ value: ReferenceValue) {
        self =
            switch value {
            case .i32(let bits): .i32(bits)
            case .i64(let bits): .i64(bits)
            case .f32(let bits): .f32(bits: bits)
            case .f64(let bits): .f64(bits: bits)
            case .v128(let low, let high): .v128(low: low, high: high)
            case .function(let address): address == nil ? .null(.func) : .reference(.func)
            case .extern(let number): number.map { .external($0) } ?? .null(.extern)
            case .exception(let number): number == nil ? .null(.exn) : .reference(.exn)
            case .externalized: .external(nil)
            case .any(nil): .null(.any)
            case .any(.host(let number)): .host(number)
            case .any(.i31): .reference(.i31)
            case .any(.structure): .reference(.struct)
            case .any(.array): .reference(.array)
            }
    }
}
