import ApusCollections
import ApusFormat
import Testing

/// Type definitions that are valid, and that are not. Specification: 3.2.10.
@Suite struct TypeValidationTests {
    private func error(
        _ groups: [[SubType]], features: FeatureSet = .standard
    ) -> ModuleError? {
        var parts = DecodedModule.Parts(bytes: ByteStorage([]))
        for group in groups { parts.types.append(group: group) }
        do throws(ModuleError) {
            try ModuleValidator.validate(DecodedModule(parts), features: features)
            return nil
        } catch { return error }
    }

    private func open(_ composite: CompositeType, below supertype: UInt32? = nil) -> [SubType] {
        [SubType(composite, isFinal: false, supertype: supertype)]
    }

    private func reference(_ index: UInt32, nullable: Bool = true) -> ValueType {
        .reference(HeapType(typeIndex: index), nullable: nullable)
    }

    @Test func typesNameWhatComesBeforeOrIsOfTheirGroup() {
        let later = SubType(.function(FunctionType([reference(1)])))
        let plain = SubType(.function(FunctionType()))
        #expect(error([[later, plain]]) == nil)
        #expect(error([[later], [plain]])?.message == "unknown type 1")
        #expect(error([[plain, SubType(.array(FieldType(reference(2))))]])?.kind == .invalid)
        #expect(error([[SubType(.structure([FieldType(reference(0))]))]]) == nil)
    }

    @Test func supertypesComeBeforeAndAreOpen() {
        let nothing = CompositeType.structure([])
        #expect(error([open(nothing), open(nothing, below: 0)]) == nil)
        #expect(error([[SubType(nothing)], open(nothing, below: 0)])?.kind == .invalid)
        #expect(error([open(nothing, below: 0)])?.kind == .invalid)
        #expect(error([open(nothing, below: 1) + open(nothing)])?.kind == .invalid)
        #expect(error([open(nothing) + open(nothing, below: 0)]) == nil)
    }

    @Test func structuresGrowAtTheirEnd() {
        let field = FieldType(.i32)
        let base = open(.structure([field, FieldType(.i64, isMutable: true)]))
        func below(_ fields: FieldType...) -> ModuleError? {
            error([base, open(.structure(fields), below: 0)])
        }
        let last = FieldType(.i64, isMutable: true)
        #expect(below(field, last, FieldType(.i8)) == nil)
        #expect(below(field)?.message == "sub type 1 does not match its supertype 0")
        #expect(below(FieldType(.i8), last)?.kind == .invalid)
        #expect(below(field, FieldType(.i64))?.kind == .invalid)
        #expect(below(FieldType(.i32, isMutable: true), last)?.kind == .invalid)
        #expect(error([base, open(.array(field), below: 0)])?.kind == .invalid)
    }

    @Test func fieldsThatCanBeWrittenDoNotVary() {
        let any = ValueType.reference(.any, nullable: true)
        let none = ValueType.reference(.none, nullable: true)
        for isMutable in [false, true] {
            let base = open(.array(FieldType(any, isMutable: isMutable)))
            let narrow = open(.array(FieldType(none, isMutable: isMutable)), below: 0)
            #expect((error([base, narrow]) == nil) == !isMutable)
        }
        // Two names of one type are the same, also where they can be written.
        let groups = [
            open(.structure([])), open(.structure([])),
            open(.array(FieldType(reference(0), isMutable: true))),
            open(.array(FieldType(reference(1), isMutable: true)), below: 2),
        ]
        #expect(error(groups) == nil)
    }

    @Test func functionsTakeMoreAndGiveLess() {
        let base = open(.function(FunctionType([reference(0, nullable: false)], [.funcref])))
        let special = FunctionType([.reference(.func, nullable: true)], [reference(0)])
        #expect(error([base, open(.function(special), below: 0)]) == nil)
        let wrong = FunctionType([.reference(.nofunc, nullable: true)], [reference(0)])
        #expect(error([base, open(.function(wrong), below: 0)])?.kind == .invalid)
    }

    @Test func depthIsLimited() {
        func chain(_ count: Int) -> [[SubType]] {
            (0..<count).map {
                open(.function(FunctionType()), below: $0 == 0 ? nil : UInt32($0 - 1))
            }
        }
        #expect(error(chain(64)) == nil)
        let tooDeep = error(chain(65))
        #expect(tooDeep?.kind == .limit)
        #expect(tooDeep?.message == "type 64 has 64 supertypes, the limit is 63")
    }

    @Test func onlyFunctionTypesAreCalled() throws {
        var builder = ModuleBuilder()
        builder.addTypes([SubType(.structure([]))])
        builder.addFunction(type: 0, code: [0x0B])
        let features = FeatureSet.standard
        let function = try builder.build(features: features)
        let found = #expect(throws: ModuleError.self) {
            try ModuleValidator.validate(function, features: features)
        }
        #expect(found?.message == "type mismatch: type 0 is a structure type, not a function type")
        // As the type of a call by reference, of one through a table, and of a block.
        for code in [[0x14, 0], [0x11, 0, 0], [0x02, 0, 0x0B]] as [[UInt8]] {
            var builder = ModuleBuilder()
            builder.addTypes([SubType(.structure([]))])
            builder.addTable(TableType(element: .funcref, limits: SizeLimits(minimum: 1)))
            builder.addFunction(FunctionType(), code: [0x00] + code + [0x0B])
            let module = try builder.build(features: features)
            try ModuleValidator.validate(module, features: features)
            let found = #expect(throws: ModuleError.self) {
                var validator = FunctionValidator(module, features: features)
                try validator.validate(0)
            }
            #expect(found?.message.hasPrefix("type mismatch: type 0") == true)
        }
    }

    /// A module whose types are structures that each name another: each in a group of its own, or
    /// all in one.
    private func structures(_ count: Int, inOneGroup: Bool) -> ByteStorage {
        var types = ByteWriter()
        types.write(count: inOneGroup ? 1 : count)
        if inOneGroup {
            types.write(0x4E)
            types.write(count: count)
        }
        for index in 0..<count {
            types.write([0x5F, 1, 0x63])
            types.write(signed: Int64(inOneGroup ? (index + 1) % count : max(index - 1, 0)))
            types.write(0)
        }
        var module = ByteWriter()
        module.write([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1])
        module.write(sized: types.bytes)
        return ByteStorage(module.bytes)
    }

    /// Made to cost much: the time grows as the bytes do.
    @Test(arguments: [false, true]) func manyTypesTakeTheirTimeOnly(inOneGroup: Bool) throws {
        let features = FeatureSet.standard
        func time(_ count: Int) throws -> Duration {
            let bytes = structures(count, inOneGroup: inOneGroup)
            return try ContinuousClock().measure {
                let decoded = try ModuleDecoder.decode(bytes, features: features)
                #expect(decoded.types.count == count)
                try ModuleValidator.validate(decoded, features: features)
            }
        }
        let few = try time(20_000)
        // Were it quadratic, it would be a hundred times as long.
        #expect(try time(200_000) < few * 50)
    }
}
