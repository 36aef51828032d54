import ApusABI
import ApusCollections
import ApusFormat

@testable import ApusRuntime

/// Makes the trampolines from hand-assembled code.
struct HandMadeTrampolines: TrampolineSource {
    func hostFrameBytes(_ type: FunctionType, _ layout: ArgumentLayout) -> Int32 { 0 }

    func trampolines(
        _ kinds: [TrampolineKind], hostCall: UInt, trapLeave: UInt
    ) -> (code: [UInt8], offsets: [Int]) {
        var code: [UInt8] = []
        var offsets: [Int] = []
        for kind in kinds {
            while code.count % 16 != 0 { code.append(0xCC) }
            offsets.append(code.count)
            switch kind {
            case .entry: code += MachineCode.entry
            case .host: code += MachineCode.host(hostCall)
            case .runtimeCall: code += MachineCode.runtimeCall
            case .trapExit: code += MachineCode.trapExit(trapLeave)
            case .tailReturn: code += [0x0F, 0x0B]  // No test makes a tail call.
            case .allocate: code += [0x0F, 0x0B]  // No test has code that makes objects.
            case .compile: code += [0x0F, 0x0B]  // No test has functions without code.
            case .linkage(let distance, _):
                code += MachineCode.jumpThrough(distance)
                while code.count % 16 != 0 { code.append(0xCC) }
            }
        }
        return (code, offsets)
    }
}

/// A function of a test module: code, and the places in it that matter.
struct TestFunction {
    var code: [UInt8]
    /// Offset in the code and what is listed there; body offsets are the same numbers.
    var sites: [(offset: UInt32, trap: TrapCode)] = []

    static let load = TestFunction(code: MachineCode.load, sites: [(8, .memoryOutOfBounds)])
    static let unreachable = TestFunction(
        code: MachineCode.unreachable, sites: [(4, .unreachable)])
    static let divide = TestFunction(code: MachineCode.divide, sites: [(9, .integerOverflow)])
    static let callImport = TestFunction(code: MachineCode.callImport, sites: [(27, .none)])
    static let keep = TestFunction(code: MachineCode.keep, sites: [(29, .none)])
    static let callAddress = TestFunction(code: MachineCode.callAddress, sites: [(15, .none)])
    static let callRuntime = TestFunction(code: MachineCode.callRuntime, sites: [(10, .none)])
    static let recurse = TestFunction(
        code: MachineCode.recurse, sites: [(21, .none), (23, .stackExhausted)])
    static let wild = TestFunction(code: MachineCode.wild)
    /// Gives a number.
    static func constant(_ number: UInt8) -> TestFunction {
        TestFunction(code: MachineCode.constant(number))
    }
}

/// What all functions of test modules take and give.
let sixToOne = FunctionType([.i64, .i64, .i64, .i64, .i64, .i64], [.i64])
let nothing = FunctionType()

/// The parts of a module with `functions`, all exported as "f0", "f1", …, after one imported
/// function for each of `imported`. Types: 0 is `sixToOne`, 1 is `nothing`.
func parts(
    _ functions: [TestFunction], imported: Int = 0, bytes: [UInt8] = []
) -> DecodedModule.Parts {
    var parts = DecodedModule.Parts(bytes: ByteStorage(bytes))
    parts.types = ModuleTypes([sixToOne, nothing])
    for index in 0..<imported {
        parts.imports.append(
            Import(module: "host", name: "h\(index)", type: .function(typeIndex: 0)))
        parts.functions.append(0)
    }
    parts.importedFunctionCount = imported
    for index in functions.indices {
        let function = UInt32(imported + index)
        parts.functions.append(0)
        let start = UInt32(1000 * (index + 1))
        parts.bodies.append(FunctionBody(start: start, end: start + 1000))
        parts.exports.append(Export(name: "f\(index)", item: .function(function)))
    }
    parts.escapingFunctions = Array(0..<UInt32(imported + functions.count))
    return parts
}

func makeEnvironment(
    _ configuration: RuntimeConfiguration = RuntimeConfiguration()
) throws -> RuntimeEnvironment {
    try RuntimeEnvironment(trampolines: HandMadeTrampolines(), configuration: configuration)
}

/// Loads `functions` as the code of the module that `parts` describes.
func load(
    _ functions: [TestFunction], _ parts: DecodedModule.Parts, _ linkage: CodeLinkage = .direct,
    in environment: RuntimeEnvironment
) throws(ResourceError) -> LoadedModule {
    try LoadedModule(
        DecodedModule(parts), image(functions, from: parts.importedFunctionCount), linkage,
        in: environment)
}

/// Code of `functions`, the first of which has index `first` in its module.
func image(_ functions: [TestFunction], from first: Int = 0) throws(ResourceError) -> LinkedImage {
    var code = try CodeMemory(capacity: 64 * max(functions.count, 1))
    for (position, function) in functions.enumerated() {
        code.write(function.code.span, at: 64 * position)
    }
    return image(functions, from: first, in: code)
}

/// The same with code that lies in `code` already, 64 bytes for each function.
func image(
    _ functions: [TestFunction], from first: Int = 0, in code: consuming CodeMemory
) -> LinkedImage {
    var records = Arena<CompiledFunction>()
    var sites = CodeSites()
    for (position, function) in functions.enumerated() {
        var record = CompiledFunction(
            index: UInt32(first + position), codeStart: 64 * position, behind: sites)
        for site in function.sites {
            let place = record.codeStart + site.offset
            if site.trap == .none {
                sites.calls.append(CallSite(codeOffset: place, bodyOffset: site.offset))
            } else {
                sites.traps.append(
                    TrapSite(codeOffset: place, bodyOffset: site.offset, code: site.trap))
            }
        }
        record.end(codeEnd: 64 * position + function.code.count, sites, relocationCount: 0)
        records.append(record)
    }
    return LinkedImage(
        code: code, codeBytes: 64 * functions.count, functions: records, sites: sites)
}

extension RuntimeStore {
    /// Instantiates a module made of `functions` with `items` as its imports.
    func instance(
        _ functions: [TestFunction], _ parts: DecodedModule.Parts? = nil,
        _ items: [ExternalItem] = []
    ) throws -> Guest {
        var own = ApusRuntimeTests.parts(functions)
        if let parts { own = parts }
        let module = try load(functions, own, in: environment)
        let state = try instantiate(Imports(items, for: module, in: self))
        return Guest(store: self, state: state)
    }
}

/// An instance together with its store, which keeps it.
@dynamicMemberLookup
struct Guest {
    var store: RuntimeStore
    var state: InstanceState

    subscript<Value>(dynamicMember member: KeyPath<InstanceState, Value>) -> Value {
        state[keyPath: member]
    }

    func function(_ index: Int) -> FunctionReference? { state.function(index) }

    /// Calls the exported function `name` with up to six arguments.
    @discardableResult
    func call(_ name: String, _ arguments: UInt64...) throws -> UInt64 {
        guard case .function(let function) = state.export(name) else { throw NoSuchFunction() }
        return try store.call(function, arguments)
    }

    struct NoSuchFunction: Error {}
}

extension RuntimeStore {
    @discardableResult
    func call(_ function: FunctionReference, _ arguments: [UInt64]) throws -> UInt64 {
        var cells = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
        let target = try target(function)
        var span = cells.mutableSpan
        try call(target, &span)
        return cells[0]
    }
}

/// The code of the trap that `body` throws.
func trap(_ body: () throws -> Void) -> TrapCode? {
    do {
        try body()
        return nil
    } catch {
        return (error as? WasmTrap)?.code
    }
}

extension LinearMemory {
    func put(_ bytes: [UInt8], at address: UInt64) -> Bool { write(bytes.span, at: address) }
}
