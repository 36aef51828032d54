import Apus
import ApusFormat
import ApusTestSupport

/// Runs a generated module on Apus and on the reference interpreter and compares all that shows.
struct Differential {
    /// Instructions that one call may take in the interpreter; a call that takes more ends the
    /// comparison of its module.
    static let fuelPerCall = 300_000
    static let roundsPerFunction = 3
    /// Calls within calls that fit on the stack of any thread; deeper recursion ends the
    /// comparison.
    static let callDepth = 200

    enum Verdict: Hashable {
        /// How many calls were compared, and how many of them trapped.
        case equal(calls: Int, traps: Int)
        case different(String)
    }

    private var generated: GeneratedModule
    let referenceStore = ReferenceStore()
    private let store: Store
    private var calls = 0
    private var traps = 0

    /// One of the modules, on both engines.
    struct Pair {
        var module: DecodedModule
        var compiled: Module
        var instance: Instance
        var reference: ReferenceInstance
    }

    /// Compares everything about this module, on an engine that the caller may reuse.
    static func compare(_ generated: GeneratedModule, _ engine: Engine) -> Verdict {
        do {
            var comparison = Differential(generated: generated, store: Store(engine))
            defer { comparison.referenceStore.removeAll() }
            try comparison.run()
            return .equal(calls: comparison.calls, traps: comparison.traps)
        } catch let difference as Difference {
            return .different(difference.text)
        } catch {
            return .different("\(error)")
        }
    }

    private init(generated: GeneratedModule, store: Store) {
        self.generated = generated
        self.store = store
        referenceStore.callDepthLimit = Self.callDepth
        referenceStore.countsRuns = store.engine.configuration.countsCoverage
    }

    struct Difference: Error { var text: String }

    private mutating func run() throws {
        guard let first = try instantiate(generated.bytes, importing: nil) else { return }
        var pairs = [first]
        try compareState(first, after: "instantiation")
        if let importer = generated.importer {
            guard let second = try instantiate(importer, importing: first) else { return }
            try compareState(second, after: "instantiation of the importer")
            try compareState(first, after: "instantiation of the importer")
            pairs.append(second)
        }
        for pair in pairs.reversed() {
            for export in pair.module.exports {
                guard case .function(let index) = export.item, export.name != generated.refuel
                else { continue }
                for _ in 0..<Self.roundsPerFunction {
                    guard try compareCall(export.name, Int(index), pair, refueling: first) else {
                        return
                    }
                    for pair in pairs { try compareState(pair, after: export.name) }
                }
            }
        }
        if referenceStore.countsRuns { for pair in pairs { try compareCounts(pair) } }
    }

    // MARK: Instances

    /// Both instances; nil if both trapped in the same way while they started.
    private func instantiate(_ bytes: [UInt8], importing first: Pair?) throws -> Pair? {
        let module = try ValidModule.decode(bytes)
        var linker = Linker(store.engine)
        var imports: [ReferenceInstance.Address] = []
        for item in module.imports {
            if item.module == "first" {
                guard let address = first?.reference.export(item.name),
                    let found = try first?.instance.export(item.name)
                else { throw Difference(text: "no export \(item.name)") }
                imports.append(address)
                linker.define(item.module, item.name, found)
            } else if case .function(let typeIndex) = item.type {
                let type = module.types.function(Int(typeIndex))
                let body = GeneratedImports.body(item.name, type)
                imports.append(.function(referenceStore.addHostFunction(type, body)))
                linker.define(
                    item.module, item.name, try GeneratedImports.function(store, type, body))
            }
        }
        fillUp()
        var reference: ReferenceInstance?
        let expected = Outcome {
            reference = try ReferenceInstance(module, in: referenceStore, imports: imports)
            return []
        }
        if Self.isUnbounded(expected) { return nil }
        var compiled: Module?
        var instance: Instance?
        let found = Outcome {
            let made = try Module(store.engine, bytes: bytes)
            compiled = made
            instance = try linker.instantiate(made, in: store)
            return []
        }
        guard expected == found else {
            throw Difference(text: "instantiation: \(found), expected \(expected)")
        }
        try compareFuel(after: "instantiation")
        guard let compiled, let instance, let reference else { return nil }
        return Pair(
            module: module, compiled: compiled, instance: instance, reference: reference)
    }

    // MARK: Calls

    /// False if the module has to be left because its calls take too long.
    private mutating func compareCall(
        _ name: String, _ index: Int, _ pair: Pair, refueling first: Pair
    ) throws -> Bool {
        let reference = pair.reference
        if let refuel = generated.refuel {
            if case .function(let address)? = first.reference.export(refuel) {
                referenceStore.fuel = Self.fuelPerCall
                _ = try referenceStore.call(address, [])
            }
            _ = try first.instance.function(refuel).call([])
        }
        let type = pair.module.functionType(index)
        let arguments = type.parameters.map { parameter in
            let argument = generated.choices.argument(parameter)
            guard let named = parameter.heapType.typeIndex, parameter.isReference else {
                return argument
            }
            return pair.module.kind(named) == .function ? argument : .any(nil)
        }
        fillUp()
        let expected = Outcome {
            try referenceStore.call(reference.functions[index], arguments).map(named(reference))
        }
        if Self.isUnbounded(expected) { return false }
        // Guests throw on purpose: that is no call wasted.
        if case .trap(let text) = expected, !text.hasPrefix("uncaught exception") { traps += 1 }
        calls += 1
        let found = Outcome {
            try pair.instance.function(name).call(arguments.map { Value($0) })
                .map { ReferenceValue($0) }
        }
        guard expected == found else {
            throw Difference(text: "\(name)(\(arguments)): \(found), expected \(expected)")
        }
        try compareFuel(after: "\(name)(\(arguments))")
        return true
    }

    // MARK: Fuel

    private static let fuel: UInt64 = 1 << 40

    private var isMetered: Bool { store.engine.configuration.isFuelMetered }

    private func fillUp() {
        referenceStore.fuel = Self.fuelPerCall
        referenceStore.spentFuel = 0
        if isMetered { store.fuel = Self.fuel }
    }

    private func compareFuel(after event: String) throws {
        guard isMetered else { return }
        let spent = Self.fuel - store.fuel
        guard spent == referenceStore.spentFuel else {
            let expected = referenceStore.spentFuel
            throw Difference(text: "fuel spent in \(event): \(spent), expected \(expected)")
        }
    }

    /// Whether the interpreter gave up before the end: then there is nothing to compare.
    private static func isUnbounded(_ outcome: Outcome) -> Bool {
        [.stopped(by: .outOfFuel), .stopped(by: .stackExhausted)].contains(outcome)
    }

    /// References to functions are compared by being null or not.
    private func named(_ reference: ReferenceInstance) -> (ReferenceValue) -> ReferenceValue {
        { value in
            switch value {
            case .function(.some): .function(0)
            case .exception(.some): .exception(0)
            case .any(let referent?): .any(referent.anonymous)
            case .externalized(let referent): .externalized(referent.anonymous)
            default: value
            }
        }
    }

    // MARK: State

    private func compareState(_ pair: Pair, after event: String) throws {
        let instance = pair.instance
        let reference = pair.reference
        for (index, address) in reference.globals.enumerated() {
            let expected = named(reference)(
                referenceStore.globals[address].value(in: referenceStore)
            ).canonical
            let found = ReferenceValue(try instance.global("g\(index)").value).canonical
            guard expected == found else {
                throw Difference(text: "g\(index) after \(event): \(found), expected \(expected)")
            }
        }
        for (index, address) in reference.tables.enumerated() {
            try compare(
                try instance.table("t\(index)"), referenceStore.tables[address],
                "t\(index) after \(event)", named(reference))
        }
        for (index, address) in reference.memories.enumerated() {
            try compare(
                try instance.memory("m\(index)"), referenceStore.memories[address],
                "m\(index) after \(event)")
        }
    }

    private func compare(
        _ table: Table, _ reference: ReferenceTable, _ place: String,
        _ named: (ReferenceValue) -> ReferenceValue
    ) throws {
        guard table.count == reference.elements.count else {
            throw Difference(text: "size of \(place): \(table.count)")
        }
        for index in 0..<table.count {
            let expected = named(reference.value(index, in: referenceStore))
            let found = ReferenceValue(try table.get(index))
            guard expected == found else {
                throw Difference(text: "\(place), [\(index)]: \(found), expected \(expected)")
            }
        }
    }

    private func compare(_ memory: Memory, _ reference: ReferenceMemory, _ place: String) throws {
        guard memory.byteCount == reference.bytes.count else {
            throw Difference(
                text: "\(place): \(memory.byteCount) bytes, "
                    + "expected \(reference.bytes.count)")
        }
        // What is shared cannot be had in place.
        let difference: Int?
        if memory.type.isShared {
            let copy = try memory.read(at: 0, count: memory.byteCount)
            difference =
                copy == reference.bytes
                ? nil : copy.indices.first { copy[$0] != reference.bytes[$0] }
        } else {
            difference = try memory.withBytes { reference.bytes.firstDifference(from: $0) }
        }
        if let difference {
            throw Difference(text: "\(place) differs at \(difference)")
        }
    }
}
