import ApusFormat
import ApusTestSupport

/// What the reference interpreter does with a generated module, for comparison with other engines
/// by `Tests/Conformance/compare-with-wasmtime`.
struct ReferenceTranscript: Encodable {
    var calls: [Call] = []
    /// Trap of the instantiation, if there was one.
    var trap: String?
    var refuel: String?
    /// Bits of the globals and hashes of the memories after all calls.
    var globals: [String] = []
    var memories: [Contents] = []

    struct Call: Encodable {
        var name: String
        var arguments: [String]
        var results: [String] = []
        var trap: String?
    }

    struct Contents: Encodable {
        var byteCount: Int
        var hash: String
    }

    /// Nil if the module takes too long, or imports functions with values that the package for
    /// wasmtime does not have. Exported functions with such values are left out.
    init?(_ generated: GeneratedModule, fuelPerCall: Int) throws {
        var choices = generated.choices
        refuel = generated.refuel
        let module = try ValidModule.decode(generated.bytes)
        let store = ReferenceStore()
        var imports: [ReferenceInstance.Address] = []
        for item in module.imports {
            guard case .function(let index) = item.type else { continue }
            let type = module.types.function(Int(index))
            guard Self.isPlain(type) else { return nil }
            let body = GeneratedImports.body(item.name, type)
            imports.append(.function(store.addHostFunction(type, body)))
        }
        store.fuel = fuelPerCall
        let instance: ReferenceInstance
        do {
            instance = try ReferenceInstance(module, in: store, imports: imports)
        } catch is ReferenceException {
            trap = "uncaught exception"
            return
        } catch let trap as ReferenceTrap {
            self.trap = trap.rawValue
            return
        }
        for export in module.exports {
            guard case .function(let index) = export.item, export.name != refuel,
                Self.isPlain(module.functionType(Int(index)))
            else { continue }
            for _ in 0..<3 {
                if let refuel, case .function(let address)? = instance.export(refuel) {
                    store.fuel = fuelPerCall
                    _ = try store.call(address, [])
                }
                let type = module.functionType(Int(index))
                let arguments = type.parameters.map { choices.argument($0) }
                var call = Call(name: export.name, arguments: arguments.map(Self.text))
                store.fuel = fuelPerCall
                do {
                    call.results = try store.call(instance.functions[Int(index)], arguments)
                        .map(Self.text)
                } catch is ReferenceException {
                    call.trap = "uncaught exception"
                } catch let trap as ReferenceTrap {
                    if trap == .outOfFuel || trap == .stackExhausted { return nil }
                    call.trap = trap.rawValue
                }
                calls.append(call)
            }
        }
        globals = instance.globals.map { Self.text(store.globals[$0].value(in: store)) }
        memories = instance.memories.map { address in
            let bytes = store.memories[address].bytes
            return Contents(byteCount: bytes.count, hash: String(Self.hash(bytes)))
        }
    }

    private static func isPlain(_ type: FunctionType) -> Bool {
        (type.parameters + type.results).allSatisfy {
            [.i32, .i64, .f32, .f64, .funcref, .externref].contains($0)
        }
    }

    /// Type and bits; of a reference to a function only whether it is null.
    private static func text(_ value: ReferenceValue) -> String {
        switch value.canonical {
        case .i32(let bits): "i32 \(bits)"
        case .i64(let bits): "i64 \(bits)"
        case .f32(let bits): "f32 \(bits)"
        case .f64(let bits): "f64 \(bits)"
        case .v128(let low, let high): "v128 \(high) \(low)"
        case .function(let address): address == nil ? "func null" : "func set"
        case .extern(let number): number.map { "extern \($0)" } ?? "extern null"
        case .exception(let number): number == nil ? "exn null" : "exn set"
        case .any(let referent): referent == nil ? "any null" : "any set"
        case .externalized: "extern set"
        }
    }

    /// The sum of the bytes, each times one more than its position, modulo 2^64.
    private static func hash(_ bytes: [UInt8]) -> UInt64 {
        var sum: UInt64 = 0
        for (position, byte) in bytes.enumerated() where byte != 0 {
            sum &+= UInt64(byte) &* UInt64(position + 1)
        }
        return sum
    }
}
