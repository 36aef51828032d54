import ApusCollections
import ApusFormat
import Testing

/// Which types of a module are equal, and which are below which.
@Suite struct TypePlaceTests {
    private func module(_ types: ModuleTypes) -> DecodedModule {
        var parts = DecodedModule.Parts(bytes: ByteStorage([]))
        parts.types = types
        return DecodedModule(parts)
    }

    private func canonical(_ groups: [[SubType]]) -> [UInt32] {
        var types = ModuleTypes()
        for group in groups { types.append(group: group) }
        return module(types).typePlaces.map(\.canonical)
    }

    private func reference(_ index: UInt32) -> ValueType {
        .reference(HeapType(typeIndex: index), nullable: true)
    }

    private func function(_ types: ValueType..., below supertype: UInt32? = nil) -> SubType {
        SubType(.function(FunctionType(types)), isFinal: false, supertype: supertype)
    }

    @Test func typesThatNameThemselvesAreEqual() {
        #expect(canonical([[function(reference(0))], [function(reference(1))]]) == [0, 0])
    }

    @Test func groupsAreEqualAsAWhole() {
        let pair = [function(reference(1)), function(.i32, reference(0))]
        let same = [function(reference(3)), function(.i32, reference(2))]
        let other = [function(reference(5)), function(.i64, reference(4))]
        #expect(canonical([pair, same, other]) == [0, 1, 0, 1, 4, 5])
    }

    @Test func theOrderInAGroupCounts() {
        let one = [function(.i32), function(.i64)]
        let two = [function(.i64), function(.i32)]
        #expect(canonical([one, two]) == [0, 1, 2, 3])
        #expect(canonical([[function(.i32)], one]) == [0, 1, 2])
    }

    /// A group of two is not what it would be rolled up to one.
    @Test func unrolledGroupsAreOthers() {
        let rolled = [function(reference(0))]
        let unrolled = [function(reference(2)), function(reference(1))]
        #expect(canonical([rolled, unrolled]) == [0, 1, 2])
        // Nor is a type that names an equal one what names itself.
        #expect(canonical([rolled, [function(reference(0))]]) == [0, 1])
    }

    @Test func whatATypeIsDeclaredToBeCounts() {
        let signature = CompositeType.function(FunctionType())
        let groups = [
            [SubType(signature)], [SubType(signature, isFinal: false)],
            [SubType(signature, isFinal: false, supertype: 1)],
            [SubType(signature, supertype: 1)], [SubType(signature, isFinal: false, supertype: 2)],
            [SubType(signature, isFinal: false, supertype: 1)],
        ]
        #expect(canonical(groups) == [0, 1, 2, 3, 4, 2])
        let fields: [[FieldType]] = [
            [FieldType(.i8)], [FieldType(.i16)], [FieldType(.i8, isMutable: true)],
            [FieldType(.i32)], [],
        ]
        let others =
            fields.map { [SubType(.structure($0))] }
            + [[SubType(.array(FieldType(.i8)))], [SubType(.structure([FieldType(.i8)]))]]
        #expect(canonical(others) == [0, 1, 2, 3, 4, 5, 0])
    }

    /// Against a walk from type to type, on trees of all shapes.
    @Test(arguments: [1, 2, 5, 40, 1000])
    func subtypesAreFoundInTreesOfAnyShape(reach: Int) {
        var types = ModuleTypes()
        var parents: [Int?] = []
        var random = SystemRandomNumberGenerator()
        for index in 0..<400 {
            var parent: Int?
            if index > 0, Int.random(in: 0..<50, using: &random) > 0 {
                parent = Int.random(in: max(0, index - reach)..<index, using: &random)
            }
            parents.append(parent)
            // No two are equal.
            let fields = (0..<9).map { FieldType(index >> $0 & 1 == 0 ? .i32 : .i64) }
            types.append(group: [
                SubType(
                    .structure(fields), isFinal: false,
                    supertype: parent.map { UInt32(truncatingIfNeeded: $0) })
            ])
        }
        let module = module(types)
        for index in 0..<400 {
            var above: Set<Int> = []
            var next: Int? = index
            while let present = next {
                above.insert(present)
                next = parents[present]
            }
            #expect(Int(module.typePlaces[index].depth) == above.count - 1)
            for other in 0..<400
            where module.isSubtype(UInt32(index), of: UInt32(other)) != above.contains(other) {
                Issue.record("\(index) and \(other)")
            }
        }
    }

    /// What names types that are not there is not valid, and does no harm.
    @Test func invalidTypesHavePlacesToo() {
        let groups = [
            [function(reference(7)), function(.i32, below: 1)], [function(below: 9)],
            [function(reference(2_097_151))],
        ]
        #expect(canonical(groups) == [0, 1, 2, 3])
        var types = ModuleTypes()
        for group in groups { types.append(group: group) }
        #expect(throws: ModuleError.self) { try ModuleValidator.validate(module(types)) }
        #expect(!module(types).isSubtype(3, of: 99))
    }
}
