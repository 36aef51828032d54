import ApusCollections
import ApusFormat
import ApusTestSupport
import Testing

/// What code with structures, arrays and casts is refused for. Specification: 3.4.6, 3.4.7.
@Suite struct AggregateValidationTests {
    // Types: 0 an open structure, 1 one below it, 2 bytes, 3 numbers that cannot be written,
    // 4 references to structures of type 0, 5 references that are never null, 6 references to
    // structures of type 1 that cannot be written, 7 vectors. 8 and on: the functions'.
    private static let fields = [
        FieldType(.i32), FieldType(.i8, isMutable: true),
        FieldType(.reference(.any, nullable: true)),
    ]
    private static let base = HeapType(typeIndex: 0)
    private static let derived = HeapType(typeIndex: 1)

    private static func builder() -> ModuleBuilder {
        var builder = ModuleBuilder()
        builder.addTypes([SubType(.structure(fields), isFinal: false)])
        builder.addTypes([
            SubType(.structure(fields + [FieldType(.f64, isMutable: true)]), supertype: 0)
        ])
        builder.addTypes([SubType(.array(FieldType(.i8, isMutable: true)))])
        builder.addTypes([SubType(.array(FieldType(.i64)))])
        let element = ValueType.reference(base, nullable: true)
        builder.addTypes([SubType(.array(FieldType(element, isMutable: true)))])
        builder.addTypes([SubType(.array(FieldType(.reference(.eq, nullable: false))))])
        builder.addTypes([SubType(.array(FieldType(.reference(derived, nullable: true))))])
        builder.addTypes([SubType(.array(FieldType(.v128, isMutable: true)))])
        builder.addElements(
            ElementSegment(
                mode: .passive, type: .reference(derived, nullable: true),
                initializers: .expressions([])))
        builder.addElements(
            ElementSegment(mode: .passive, type: .funcref, initializers: .functions([])))
        builder.addData(.passive, [1])
        return builder
    }

    /// What the body, whose operands unreachable code gives, is refused for; nil if it is not.
    private static func error(
        _ type: FunctionType = FunctionType(), locals: [ValueType] = [],
        isReachable: Bool = false, features: FeatureSet = .standard,
        _ emit: (inout InstructionEncoder) -> Void
    ) throws -> ModuleError? {
        var builder = builder()
        builder.addFunction(type, locals: locals) {
            if !isReachable { $0.emit(.unreachable) }
            emit(&$0)
        }
        let module = try builder.build(features: .standard)
        do throws(ModuleError) {
            try ModuleValidator.validate(module)
            var validator = FunctionValidator(module, features: features)
            try validator.validate(0)
            return nil
        } catch { return error }
    }

    private func expect(
        _ message: String?, locals: [ValueType] = [], isReachable: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ emit: (inout InstructionEncoder) -> Void
    ) throws {
        let error = try Self.error(locals: locals, isReachable: isReachable, emit)
        #expect(error?.message == message, sourceLocation: sourceLocation)
        if message != nil { #expect(error?.kind == .invalid, sourceLocation: sourceLocation) }
    }

    private func accept(
        _ type: FunctionType, sourceLocation: SourceLocation = #_sourceLocation,
        _ emit: (inout InstructionEncoder) -> Void
    ) throws {
        let error = try Self.error(type, isReachable: true, emit)
        #expect(error == nil, sourceLocation: sourceLocation)
    }

    // MARK: Structures

    @Test func structuresAreMadeOfTheirFields() throws {
        let result = FunctionType([], [.reference(Self.base, nullable: false)])
        try accept(result) {
            $0.i32(1)
            $0.i32(2)
            $0.emit(.refNull, HeapType.none)
            $0.emit(.structNew(.values), 0)
        }
        try accept(result) { $0.emit(.structNew(.defaults), 1) }
        try expect("type mismatch: expected i32, found i64", isReachable: true) {
            $0.i32(1)
            $0.i64(2)
            $0.emit(.refNull, HeapType.none)
            $0.emit(.structNew(.values), 0)
            $0.emit(.drop)
        }
        try expect("type mismatch: type 2 is an array type, not a structure type") {
            $0.emit(.structNew(.defaults), 2)
            $0.emit(.drop)
        }
        try expect("unknown type 9") { $0.emit(.structGet(.none), 9, 0) }
    }

    @Test func fieldsAreReadWithTheRightSign() throws {
        try expect("type mismatch: the field is packed and needs sign extension") {
            $0.emit(.structGet(.none), 0, 1)
        }
        try expect("type mismatch: the field is not packed and takes no sign extension") {
            $0.emit(.structGet(.signed), 0, 0)
        }
        try expect("unknown field 3") { $0.emit(.structGet(.none), 0, 3) }
        try accept(FunctionType([.reference(Self.derived, nullable: true)], [.i32, .i32, .f64])) {
            $0.emit(.localGet, 0)
            $0.emit(.structGet(.unsigned), 0, 1)
            $0.emit(.localGet, 0)
            $0.emit(.structGet(.none), 0, 0)
            $0.emit(.localGet, 0)
            $0.emit(.structGet(.none), 1, 3)
        }
        try expect("type mismatch: expected (ref null 1), found (ref null 0)") {
            $0.emit(.refNull, Self.base)
            $0.emit(.structGet(.none), 1, 0)
        }
    }

    @Test func fieldsAreWrittenIfTheyCanBe() throws {
        try expect("immutable field 0 of type 0") { $0.emit(.structSet, 0, 0) }
        try expect("type mismatch: expected i32, found f32") {
            $0.f32(bits: 0)
            $0.emit(.structSet, 0, 1)
        }
        try expect(nil) { $0.emit(.structSet, 0, 1) }
    }

    // MARK: Arrays

    @Test func arraysAreMadeInManyWays() throws {
        let bytes = ValueType.reference(HeapType(typeIndex: 2), nullable: false)
        try accept(FunctionType([], [bytes, bytes, bytes, bytes])) {
            $0.i32(1)
            $0.i32(2)
            $0.emit(.arrayNew(.values), 2)
            $0.i32(2)
            $0.emit(.arrayNew(.defaults), 2)
            $0.i32(1)
            $0.i32(2)
            $0.emit(.arrayNewFixed, 2, 2)
            $0.i32(1)
            $0.i32(2)
            $0.emit(.arrayNewData, 2, 0)
        }
        try accept(FunctionType([], [.reference(.array, nullable: false)])) {
            $0.i32(1)
            $0.i32(2)
            $0.emit(.arrayNewElement, 4, 0)
        }
        try expect("type mismatch: type 5 has a field without a default value") {
            $0.emit(.arrayNew(.defaults), 5)
        }
        try expect("array type is not numeric or vector") { $0.emit(.arrayNewData, 4, 0) }
        try expect("unknown data segment 1") { $0.emit(.arrayNewData, 2, 1) }
        try expect("unknown elem segment 2") { $0.emit(.arrayNewElement, 4, 2) }
        try expect("type mismatch: the array holds (ref null 0), not (ref func)") {
            $0.emit(.arrayNewElement, 4, 1)
        }
        try expect("type mismatch: an operand is missing", isReachable: true) {
            $0.i32(0)
            $0.emit(.arrayNewFixed, 2, 2)
            $0.emit(.drop)
        }
    }

    @Test func fixedArraysAreLimited() throws {
        let error = try Self.error {
            $0.emit(.arrayNewFixed, 2, 10_001)
            $0.emit(.drop)
        }
        #expect(error?.kind == .limit)
        try expect(nil) {
            $0.emit(.arrayNewFixed, 2, 10_000)
            $0.emit(.drop)
        }
    }

    @Test func elementsAreReadAndWritten() throws {
        let arrays = FunctionType(
            [.reference(HeapType(typeIndex: 2), nullable: true)], [.i32, .i32])
        try accept(arrays) {
            $0.emit(.localGet, 0)
            $0.i32(0)
            $0.emit(.arrayGet(.signed), 2)
            $0.emit(.localGet, 0)
            $0.i32(1)
            $0.i32(2)
            $0.emit(.arraySet, 2)
            $0.emit(.localGet, 0)
            $0.emit(.arrayLength)
        }
        try expect("immutable array: type 3") { $0.emit(.arraySet, 3) }
        try expect("immutable array: type 3") { $0.emit(.arrayFill, 3) }
        try expect("immutable array: type 3") { $0.emit(.arrayCopy, 3, 3) }
        try expect("immutable array: type 3") { $0.emit(.arrayInitData, 3, 0) }
        try expect("immutable array: type 6") { $0.emit(.arrayInitElement, 6, 0) }
        try expect("type mismatch: the field is packed and needs sign extension") {
            $0.emit(.arrayGet(.none), 2)
        }
    }

    @Test func elementsAreCopiedToWhatTheyAreBelow() throws {
        try expect(nil) { $0.emit(.arrayCopy, 4, 6) }
        try expect("array types do not match: i64 cannot be copied to i8") {
            $0.emit(.arrayCopy, 2, 3)
        }
        try expect(nil) { $0.emit(.arrayInitData, 7, 0) }
        try expect(nil) { $0.emit(.arrayInitElement, 4, 0) }
        try expect("array type is not numeric or vector") { $0.emit(.arrayInitData, 4, 0) }
        try expect("type mismatch: the array holds (ref null 0), not (ref func)") {
            $0.emit(.arrayInitElement, 4, 1)
        }
    }

    // MARK: References

    @Test func castsStayInTheirHierarchy() throws {
        try accept(FunctionType([.reference(.any, nullable: true)], [.i32])) {
            $0.emit(.localGet, 0)
            $0.emit(.refCast(nullable: false), HeapType.eq)
            $0.emit(.refTest(nullable: true), Self.derived)
        }
        try expect("type mismatch: expected anyref, found externref") {
            $0.emit(.refNull, HeapType.extern)
            $0.emit(.refTest(nullable: true), HeapType.struct)
            $0.emit(.drop)
        }
        try expect("type mismatch: expected funcref, found nullref") {
            $0.emit(.refNull, HeapType.none)
            $0.emit(.refCast(nullable: true), HeapType(typeIndex: 8))
            $0.emit(.drop)
        }
        try expect("unknown type 20") { $0.emit(.refTest(nullable: true), HeapType(typeIndex: 20)) }
    }

    private func branch(
        _ operation: ApusFormat.Operation, from source: ValueType, to target: ValueType,
        label: ValueType, rest: ValueType
    ) throws -> String? {
        try Self.error(FunctionType([source], [label]), isReachable: true) {
            $0.emit(.block, BlockType.result(label))
            $0.emit(.localGet, 0)
            $0.castBranch(operation, 0, from: source, to: target)
            // The rest as a result of the right type, and nothing else.
            $0.emit(.block, BlockType.result(rest))
            $0.emit(.unreachable)
            $0.emit(.end)
            $0.emit(.drop)
            $0.emit(.drop)
            $0.emit(.unreachable)
            $0.emit(.end)
        }?.message
    }

    @Test func branchesOnCastsSplitTheirOperand() throws {
        let any = ValueType.reference(.any, nullable: true)
        let structure = ValueType.reference(Self.base, nullable: false)
        let orNull = ValueType.reference(Self.base, nullable: true)
        #expect(
            try branch(.brOnCast, from: any, to: structure, label: structure, rest: any) == nil)
        #expect(
            try branch(.brOnCastFail, from: any, to: structure, label: any, rest: structure) == nil)
        #expect(
            try branch(.brOnCast, from: any, to: orNull, label: structure, rest: any)
                == "type mismatch: expected (ref 0), found (ref null 0)")
        // Where null goes to the target, what is left is not null.
        #expect(
            try branch(
                .brOnCastFail, from: any, to: orNull, label: any.nonNullable, rest: orNull) == nil)
        #expect(
            try branch(
                .brOnCastFail, from: any, to: structure, label: any.nonNullable, rest: structure)
                == "type mismatch: expected (ref any), found anyref")
        #expect(
            try branch(.brOnCast, from: structure, to: orNull, label: orNull, rest: structure)
                == "type mismatch: cast from (ref 0) to (ref null 0)")
        try expect("type mismatch: the label takes no reference") {
            $0.castBranch(.brOnCast, 0, from: any, to: structure)
            $0.emit(.drop)
        }
    }

    /// What does not branch is of the type that is left.
    @Test func whatIsLeftOfACast() throws {
        let any = ValueType.reference(.any, nullable: true)
        let structure = ValueType.reference(Self.base, nullable: false)
        try accept(FunctionType([any], [any])) {
            $0.emit(.localGet, 0)
            $0.castBranch(.brOnCastFail, 0, from: any, to: structure)
            $0.emit(.structGet(.none), 0, 2)
        }
        try accept(FunctionType([any], [any.nonNullable])) {
            $0.emit(.block, BlockType.result(.reference(Self.base, nullable: true)))
            $0.emit(.localGet, 0)
            $0.castBranch(
                .brOnCast, 0, from: any, to: .reference(Self.base, nullable: true))
            $0.emit(.return)
            $0.emit(.end)
            $0.emit(.refAsNonNull)
        }
    }

    @Test func flagsOfBranchesAreRead() throws {
        var builder = Self.builder()
        builder.addFunction(FunctionType(), code: [0x00, 0xFB, 0x18, 4, 0, 0x6E, 0x6B, 0x0B])
        var validator = FunctionValidator(try builder.build())
        let error = #expect(throws: ModuleError.self) { try validator.validate(0) }
        #expect(error?.message == "malformed br_on_cast flags")
    }

    @Test func conversionsKeepNull() throws {
        let extern = ValueType.reference(.extern, nullable: false)
        try accept(FunctionType([extern], [.reference(.any, nullable: false)])) {
            $0.emit(.localGet, 0)
            $0.emit(.anyConvertExtern)
        }
        try accept(FunctionType([.reference(.i31, nullable: true)], [.externref])) {
            $0.emit(.localGet, 0)
            $0.emit(.externConvertAny)
        }
        try expect("type mismatch: expected (ref any), found anyref") {
            $0.emit(.block, BlockType.result(.reference(.any, nullable: false)))
            $0.emit(.refNull, HeapType.extern)
            $0.emit(.anyConvertExtern)
            $0.emit(.end)
            $0.emit(.drop)
        }
        try expect("type mismatch: expected externref, found funcref") {
            $0.emit(.refNull, HeapType.func)
            $0.emit(.anyConvertExtern)
            $0.emit(.drop)
        }
        // Of unreachable code nothing is known.
        try expect(nil) {
            $0.emit(.anyConvertExtern)
            $0.emit(.refCast(nullable: false), HeapType.i31)
            $0.emit(.i31Get(.signed))
            $0.emit(.drop)
        }
    }

    @Test func smallIntegersAndComparison() throws {
        try accept(FunctionType([], [.i32, .i32])) {
            $0.i32(5)
            $0.emit(.refI31)
            $0.emit(.i31Get(.unsigned))
            $0.i32(5)
            $0.emit(.refI31)
            $0.emit(.structNew(.defaults), 0)
            $0.emit(.refEq)
        }
        try expect("type mismatch: expected eqref, found anyref") {
            $0.emit(.refNull, HeapType.any)
            $0.emit(.refEq)
            $0.emit(.drop)
        }
    }

    @Test func featuresAreNamed() throws {
        let off = FeatureSet.standard.subtracting(FeatureSet(.garbageCollection))
        for operation in [ApusFormat.Operation.refEq, .refI31, .arrayLength] {
            let error = try Self.error(features: off) {
                $0.emit(operation)
                $0.emit(.drop)
            }
            #expect(error?.kind == .unsupported(.garbageCollection))
        }
    }

    /// What unreachable code has is not counted: the body's bytes bound the time.
    @Test func unreachableOperandsCostNothing() throws {
        let start = threadTime()
        let many = [FieldType](repeating: FieldType(.i32), count: 10_000)
        var builder = ModuleBuilder()
        builder.addTypes([SubType(.structure(many))])
        builder.addFunction(FunctionType()) {
            $0.emit(.unreachable)
            for _ in 0..<500_000 {
                $0.emit(.structNew(.values), 0)
                $0.emit(.drop)
            }
        }
        let module = try builder.build()
        var validator = FunctionValidator(module)
        try validator.validate(0)
        #expect(threadTime() - start < .seconds(60))
    }

    // MARK: What compilers are told

    private func flags(_ emit: (inout InstructionEncoder) -> Void) throws -> BodyFlags {
        var builder = Self.builder()
        builder.addFunction(
            FunctionType([.reference(HeapType(typeIndex: 2), nullable: true)]), emit)
        var validator = FunctionValidator(try builder.build())
        try validator.validate(0)
        return validator.analysis.flags
    }

    @Test func flagsOfBodies() throws {
        let made = try flags {
            $0.emit(.structNew(.defaults), 0)
            $0.emit(.drop)
        }
        #expect(made == [.allocates, .callsRuntime])
        let written = try flags {
            $0.emit(.localGet, 0)
            $0.i32(0)
            $0.i32(0)
            $0.emit(.arraySet, 2)
        }
        #expect(written == .writesHeap)
        let vectors = try flags {
            $0.emit(.refNull, HeapType(typeIndex: 7))
            $0.i32(0)
            $0.emit(.arrayGet(.none), 7)
            $0.emit(.drop)
        }
        #expect(vectors == .usesVectors)
    }

    @Test func fieldsByType() throws {
        let table = SignatureTable(try Self.builder().build())
        let fields = table.fields(1)
        #expect(fields.count == 4)
        #expect(table.field(1, of: fields) == FieldType(.i8, isMutable: true))
        #expect(table.field(3, of: fields) == FieldType(.f64, isMutable: true))
        let values = (0..<4).map { table.types[Int(fields.valueStart) + $0] }
        #expect(values == [.i32, .i32, .reference(.any, nullable: true), .f64])
        #expect(table.fields(3).count == 1)
    }
}
