// Consumes: a DecodedModule that ModuleValidator has accepted.
// Produces: a verdict on each function body, and the BodyAnalysis that compilers start from.

internal import ApusCollections

/// Checks function bodies, one after the other, in a single pass that also learns what the
/// compilers need to know of a body before they compile it.
///
/// All storage is reused from function to function. Each thread has its own validator.
/// Specification: 3.4 “Instructions” and the algorithm of its appendix.
public struct FunctionValidator: ~Copyable {
    /// What the last successful `validate` has learned.
    public var analysis = BodyAnalysis()

    let module: DecodedModule
    let features: FeatureSet
    let rows = ValidationRow.core
    var signatures: SignatureTable
    /// Types of globals, shifted left, with the lowest bit saying whether it is mutable.
    var globals = Arena<UInt64>(capacity: 16)
    var tables = Arena<ValueType>(capacity: 4)
    /// Types of the tables' indices and of the memories' addresses.
    var tableAddresses = Arena<ValueType>(capacity: 4)
    var memoryAddresses = Arena<ValueType>(capacity: 4)
    /// The first memory's, `bottom` if there is none.
    let firstAddress: ValueType
    /// How many types a block may have: in bodies that the decoder has written also its own.
    var blockTypeCount = 0

    var reader: CodeReader
    /// Offset of the instruction being checked.
    var instruction = 0
    var operands = Arena<ValueType>(capacity: 256)
    var frames = Arena<ControlFrame>(capacity: 64)
    /// Locals without a default that have been set, in that order: only those of open frames.
    var initializedLocals = Arena<UInt32>(capacity: 4)
    /// For each local, not 0 if it is one of them: between functions all are 0.
    var isLocalInitialized = Arena<UInt8>(capacity: 4)

    // The innermost frame, kept at hand.
    /// Operands below this height belong to outer frames.
    var height = 0
    /// The rest of the innermost frame cannot be reached: its operand stack is polymorphic.
    var isUnreachable = false
    /// What one execution of the present instruction counts: 8^loops, 0 in unreachable code.
    var weight: UInt32 = 1
    /// Index of the innermost loop's frame, -1 if there is none.
    var loop: Int32 = -1

    public init(_ module: DecodedModule, features: FeatureSet = .standard) {
        self.module = module
        self.features = features
        signatures = SignatureTable(module)
        firstAddress = module.memories.first?.address ?? .bottom
        reader = CodeReader(module.bytes, from: 0, to: 0)
        for global in module.globals {
            let type = module.canonical(global.value)
            globals.append(UInt64(type.bits) << 1 | (global.isMutable ? 1 : 0))
        }
        for table in module.tables {
            tables.append(module.canonical(table.element))
            tableAddresses.append(table.address)
        }
        for memory in module.memories { memoryAddresses.append(memory.address) }
    }

    /// Checks the body of function `index` (of the function index space; not an imported one).
    ///
    /// - Throws: `ModuleError` with the offset of the offending instruction.
    public mutating func validate(_ index: Int) throws(ModuleError) {
        do throws(ModuleError) {
            try validateBody(of: index)
        } catch {
            throw error.inFunction(index, of: module)
        }
    }

    private mutating func validateBody(of index: Int) throws(ModuleError) {
        let body = module.bodies[index &- module.importedFunctionCount]
        begin(body)
        let signature = signatures.ofFunction(index)
        try readLocals(signature)
        analysis.codeStart = reader.position
        openBody(signature)
        while !frames.isEmpty {
            instruction = reader.position
            if instruction >= reader.end {
                throw ModuleError(.malformed, at: instruction, "END opcode expected")
            }
            try validateInstruction()
            if operands.count > analysis.maxStackHeight { try noteHeight() }
        }
        if reader.isPastEnd { throw reader.unexpectedEnd() }
        guard reader.position == reader.end else {
            throw ModuleError(.malformed, at: reader.position, "operators remaining after end")
        }
        analysis.codeEnd = reader.position
    }

    /// An instruction of two bytes can push a thousand operands, so that a body's length says
    /// little of how many there are at a time. What compilers emit has fewer than ten thousand, the
    /// most that `array.new_fixed` takes.
    private static var stackHeightLimit: Int { 100_000 }

    private mutating func noteHeight() throws(ModuleError) {
        analysis.maxStackHeight = operands.count
        guard operands.count <= Self.stackHeightLimit else {
            throw ModuleError(
                .limit, at: instruction,
                "too many operands on the stack: \(operands.count), the limit is "
                    + "\(Self.stackHeightLimit)")
        }
    }

    mutating func begin(_ body: FunctionBody) {
        reader = CodeReader(module.bytes, from: Int(body.start), to: Int(body.end))
        instruction = reader.position
        let isWritten = module.origins.first.map { body.start >= $0.start } ?? false
        blockTypeCount = isWritten ? module.types.count : module.ownTypeCount
        operands.removeAll()
        frames.removeAll()
        forgetInitializations(since: 0)
        signatures.forgetExactSingles()
        height = 0
        isUnreachable = false
        weight = 1
        loop = -1
        analysis.controls.removeAll()
        analysis.assignedPool.removeAll()
        analysis.parameterCount = 0
        analysis.maxStackHeight = 0
        analysis.callWeight = 0
        analysis.memoryWeight = 0
        analysis.loopWeight = 0
        analysis.flags = []
    }

    // MARK: Locals

    /// Engines agree on this limit (Limits of the JavaScript API, 6).
    private static var localLimit: Int { 50_000 }

    mutating func readLocals(_ signature: FlatSignature) throws(ModuleError) {
        analysis.parameterCount = Int(signature.parameterCount)
        analysis.locals.begin(
            parameters: analysis.parameterCount, from: Int(signature.parameterStart))
        let groups = try reader.readUnsigned32()
        var total = UInt64(analysis.parameterCount)
        var haveDefaults = true
        for _ in 0..<groups {
            instruction = reader.position
            let count = try reader.readUnsigned32()
            let type = try readValueType()
            if reader.isPastEnd { throw reader.unexpectedEnd() }
            total &+= UInt64(count)
            guard total <= UInt64(UInt32.max) else { throw malformed("too many locals") }
            guard total <= UInt64(Self.localLimit) else {
                throw ModuleError(
                    .limit, at: instruction,
                    "too many locals: \(total), the limit is \(Self.localLimit)")
            }
            if !type.isDefaultable { haveDefaults = false }
            if type == .v128 { analysis.flags.insert(.usesVectors) }
            analysis.locals.declare(Int(count), type)
        }
        analysis.locals.finish()
        let missing = analysis.locals.count &- isLocalInitialized.count
        if !haveDefaults, missing > 0 { isLocalInitialized.append(repeating: 0, count: missing) }
    }

    mutating func readValueType() throws(ModuleError) -> ValueType {
        let offset = reader.position
        let code = reader.readByte()
        if let refusal = ValueType.refusal(code, features, at: offset) { throw refusal }
        switch code {
        case 0x63, 0x64: return .reference(try readHeapType(), nullable: code == 0x63)
        case 0x69...0x74: return .reference(.abstract(UInt32(code)), nullable: true)
        default: return ValueType(bits: UInt32(code))
        }
    }

    /// Reads a heap type; a type index becomes the canonical one.
    mutating func readHeapType() throws(ModuleError) -> HeapType {
        let offset = reader.position
        let code = reader.peekByte()
        if let refusal = HeapType.refusal(code, features, at: offset) { throw refusal }
        if (0x69...0x74).contains(code) {
            reader.position &+= 1
            return .abstract(UInt32(code))
        }
        let index = try reader.readSigned33()
        guard index >= 0 else { throw malformed("malformed heap type") }
        guard features.has(.functionReferences) else {
            throw unsupported(.functionReferences, "heap type \(index)")
        }
        guard index < Int64(module.ownTypeCount) else { throw invalid("unknown type \(index)") }
        return HeapType(typeIndex: signatures.place(Int(index)).canonical)
    }

    // MARK: Errors

    mutating func invalid(_ message: String) -> ModuleError {
        ModuleError(.invalid, at: instruction, message)
    }

    mutating func malformed(_ message: String) -> ModuleError {
        ModuleError(.malformed, at: instruction, message)
    }

    mutating func unsupported(_ feature: Feature, _ message: String) -> ModuleError {
        ModuleError(.unsupported(feature), at: instruction, message)
    }

    /// Reads an index that must be below `count`.
    @inline(__always)
    mutating func readIndex(below count: Int, _ what: StaticString) throws(ModuleError) -> Int {
        let index = try reader.readUnsigned32()
        guard UInt64(index) < UInt64(UInt(bitPattern: count)) else {
            throw invalid("unknown \(what) \(index)")
        }
        return Int(index)
    }
}
