import ApusCollections
import ApusFormat
import Testing

/// The type section: what is read of it, and what is refused.
@Suite struct ModuleTypesTests {
    private static let all = FeatureSet.standard

    private func decode(
        _ types: [UInt8], features: FeatureSet = all, _ limits: DecodingLimits = .init()
    ) throws(ModuleError) -> ModuleTypes {
        let bytes: [UInt8] =
            [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, UInt8(types.count)] + types
        return try ModuleDecoder.decode(ByteStorage(bytes), features: features, limits: limits)
            .types
    }

    private func kind(
        _ types: [UInt8], features: FeatureSet = all, _ limits: DecodingLimits = .init()
    ) -> ModuleError.Kind? {
        do throws(ModuleError) {
            _ = try decode(types, features: features, limits)
            return nil
        } catch { return error.kind }
    }

    @Test func formsAreReadAsTheyAreWritten() throws {
        let types = try decode([
            5,  // groups
            0x60, 1, 0x7F, 1, 0x7E,
            0x4E, 2, 0x50, 0, 0x5F, 2, 0x78, 1, 0x64, 2, 0, 0x4F, 1, 1, 0x5F, 0,
            0x4E, 0,
            0x4E, 1, 0x5E, 0x77, 1,
            0x50, 1, 3, 0x5E, 0x6E, 0,
        ])
        #expect(types.count == 5 && types.groupCount == 4)
        #expect((0..<4).map { types.group($0) } == [0..<1, 1..<3, 3..<4, 4..<5])
        #expect(types.group(of: 2) == 1..<3)
        #expect(types[0] == SubType(.function(FunctionType([.i32], [.i64]))))
        let second = ValueType.reference(HeapType(typeIndex: 2), nullable: false)
        #expect(
            types[1]
                == SubType(
                    .structure([FieldType(.i8, isMutable: true), FieldType(second)]),
                    isFinal: false))
        #expect(types[2] == SubType(.structure([]), supertype: 1))
        #expect(types[3] == SubType(.array(FieldType(.i16, isMutable: true))))
        #expect(
            types[4]
                == SubType(
                    .array(FieldType(.reference(.any, nullable: true))), isFinal: false,
                    supertype: 3))
        #expect(types.isFunction(0) && !types.isFunction(1) && !types.isFunction(5))
    }

    @Test func whatIsBuiltIsReadAgain() throws {
        var builder = ModuleBuilder()
        let unary = builder.addType(FunctionType([.i32]))
        let first = builder.addTypes([
            SubType(
                .function(FunctionType([.reference(HeapType(typeIndex: 2), nullable: true)])),
                isFinal: false),
            SubType(.structure([FieldType(.i8), FieldType(.f64, isMutable: true)])),
        ])
        builder.addTypes([SubType(.array(FieldType(.v128)), isFinal: false)])
        builder.addTypes([SubType(.function(FunctionType([.i32])), isFinal: false)])
        #expect(first == 1)
        #expect(builder.addType(FunctionType([.i32])) == unary)
        let module = try builder.build(features: Self.all)
        #expect(module.types == builder.types)
        #expect(ModuleBuilder(module).encode() == builder.encode())
        var again = ModuleBuilder(module)
        #expect(again.addType(FunctionType([.i32])) == unary)
        #expect(again.addType(FunctionType([.i64])) == 5)
    }

    @Test func groupsComeWithGarbageCollection() {
        let group: [UInt8] = [1, 0x4E, 1, 0x50, 0, 0x60, 0, 0]
        #expect(kind(group, features: .standard) == nil)
        let without = FeatureSet.standard.subtracting(.init(.garbageCollection))
        #expect(kind(group, features: without) == .unsupported(.garbageCollection))
        #expect(
            kind([1, 0x4F, 0, 0x60, 0, 0], features: without) == .unsupported(.garbageCollection))
    }

    @Test(arguments: [[1, 0x5F, 0], [1, 0x5E, 0x7F, 0], [1, 0x60, 1, 0x6E, 0]] as [[UInt8]])
    func whatNeedsACollectorIsRefused(types: [UInt8]) {
        #expect(kind(types) == nil)
        let without = FeatureSet.standard.subtracting(.init(.garbageCollection))
        #expect(kind(types, features: without) == .unsupported(.garbageCollection))
    }

    @Test(
        arguments: [
            [1, 0x4E], [1, 0x4E, 2, 0x60, 0, 0], [1, 0x5F, 1, 0x7F], [1, 0x5F, 1, 0x7F, 2],
            [1, 0x5E, 0x79, 0], [1, 0x60, 1, 0x78, 0], [1, 0x51, 0x60, 0, 0],
            [1, 0x4E, 1, 0x4E, 0],
            [1, 0x50, 1], [1, 0x50, 0, 0x50, 0, 0x60, 0, 0],
        ] as [[UInt8]])
    func malformedTypesAreRefused(types: [UInt8]) { #expect(kind(types) == .malformed) }

    @Test func limitsCountWhatIsInGroups() {
        #expect(kind([1, 0x50, 2, 0, 0, 0x60, 0, 0]) == .invalid)
        var limits = DecodingLimits()
        limits.types = 2
        let pair: [UInt8] = [0x4E, 2, 0x60, 0, 0, 0x60, 0, 0]
        #expect(kind([1] + pair, limits) == nil)
        #expect(kind([2] + pair + [0x60, 0, 0], limits) == .limit)
        #expect(kind([2, 0x60, 0, 0] + pair, limits) == .limit)
        limits.fields = 1
        #expect(kind([1, 0x5F, 2, 0x7F, 0, 0x7F, 0], limits) == .limit)
    }
}
