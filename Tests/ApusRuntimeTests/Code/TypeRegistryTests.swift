import ApusABI
import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct TypeRegistryTests {
    private let registry: TypeRegistry

    init() throws { registry = try TypeRegistry() }

    private func acquire(_ types: FunctionType...) throws -> [UInt32] {
        try registry.acquire(ModuleTypes(types))
    }

    private func acquire(_ groups: [[SubType]]) throws -> [UInt32] {
        var types = ModuleTypes()
        for group in groups { types.append(group: group) }
        return try registry.acquire(types)
    }

    private func reference(_ index: Int) -> ValueType {
        .reference(HeapType(typeIndex: UInt32(index)), nullable: true)
    }

    private func function(_ types: ValueType..., below supertype: UInt32? = nil) -> SubType {
        SubType(.function(FunctionType(types)), isFinal: false, supertype: supertype)
    }

    private func heap(_ id: UInt32, _ kind: CompositeKind = .function) -> HeapType {
        HeapType(id: id, kind)
    }

    // MARK: Ids

    @Test func equalTypesShareAnId() throws {
        let first = try acquire(FunctionType([.i32]), FunctionType([.i64]))
        let second = try registry.acquire(FunctionType([.i64]))
        #expect(first[0] != first[1])
        #expect(first[1] == second)
        #expect(!first.contains(0))
    }

    @Test func idsLastAsLongAsTheyAreUsedAndNeverReturn() throws {
        let type = FunctionType([.f32], [.f32])
        let id = try registry.acquire(type)
        _ = try registry.acquire(type)
        registry.release([id])
        #expect(registry.count == 1)
        #expect(try registry.acquire(type) == id)
        registry.release([id, id])
        #expect(registry.count == 0)
        #expect(registry.kind(heap(id).bits) == nil)
        #expect(try registry.acquire(type) != id)
    }

    /// However many types come and go, there are no more slots than types at one time.
    @Test func slotsAreUsedAgainForEver() throws {
        var slots: Set<Int> = []
        for number in 0..<100_000 {
            let id = try registry.acquire(
                FunctionType([.i32], Array(repeating: .i64, count: number % 50)))
            registry.release([id])
            slots.insert(HeapType.slot(id))
        }
        #expect(slots.count == 1)
        #expect(registry.count == 0)
    }

    @Test func modulesGiveTheirIdsBack() throws {
        do {
            let types = ModuleTypes([nothing, sixToOne, nothing])
            let shared = try SharedTypes(types, in: registry)
            #expect(shared.ids[0] == shared.ids[2])
            #expect(registry.count == 2)
        }
        #expect(registry.count == 0)
    }

    /// Threads that come and go with the same types and with others.
    @Test func manyThreadsAgree() async throws {
        let types = ModuleTypes((0..<50).map { FunctionType(Array(repeating: .i32, count: $0)) })
        let kept = try registry.acquire(types)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for round in 0..<200 {
                        let ids = try registry.acquire(types)
                        let own = try registry.acquire(
                            FunctionType([.v128], Array(repeating: .f32, count: thread + round)))
                        let areRight =
                            ids == kept && registry.isSubtype(id: own, of: own)
                            && !registry.isSubtype(id: own, of: ids[round % 50])
                        registry.release(ids + [own])
                        if !areRight { return false }
                    }
                    return true
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(registry.count == 50)
        registry.release(kept)
        #expect(registry.count == 0)
    }

    // MARK: Groups

    @Test func indicesMeanTheSameInAllModules() throws {
        let leaf = FunctionType([.i32])
        let first = try acquire(leaf, FunctionType([reference(0)]))
        let second = try acquire(
            FunctionType([.i64]), leaf, FunctionType([reference(1)]), FunctionType([reference(0)]))
        #expect(first[0] == second[1])
        #expect(first[1] == second[2])
        #expect(first[1] != second[3])
    }

    @Test func groupsAreEqualWhereverTheyAre() throws {
        let pair = [function(reference(1)), function(.i32, reference(0))]
        let later = [function(reference(2)), function(.i32, reference(1))]
        let first = try acquire([pair])
        let second = try acquire([[function()], later])
        #expect(first == Array(second[1...]))
        let turned = try acquire([[function(.i32, reference(1)), function(reference(0))]])
        #expect(Set(turned).isDisjoint(with: first))
        // Rolled up, it would be one type that names itself.
        let rolled = try acquire([[function(reference(0))]])
        #expect(!first.contains(rolled[0]))
        registry.release(first + second + turned + rolled)
        #expect(registry.count == 0)
    }

    @Test func aGroupStaysAsAWhole() throws {
        let ids = try acquire([[function(reference(1)), function(.i32, reference(0))]])
        registry.release([ids[0]])
        #expect(registry.count == 2)
        #expect(registry.kind(heap(ids[0]).bits) == .function)
        registry.release([ids[1]])
        #expect(registry.count == 0)
    }

    @Test func typesThatNameThemselvesAreEqual() throws {
        let first = try acquire(FunctionType([reference(0)], [.i32]))
        let second = try acquire(FunctionType(), FunctionType([reference(1)], [.i32]))
        #expect(first[0] == second[1])
        // As a function of the type shows it, it names its own number, and is found by that.
        let own = ValueType.reference(heap(first[0]), nullable: true)
        #expect(try registry.acquire(FunctionType([own], [.i32])) == first[0])
        #expect(try registry.acquire(FunctionType([own], [.i64])) != first[0])
    }

    @Test func namedTypesStayAsLongAsTheirNames() throws {
        let ids = try acquire(FunctionType([.i32]), FunctionType([reference(0)]))
        registry.release([ids[0]])
        #expect(registry.kind(heap(ids[0]).bits) == .function)
        registry.release([ids[1]])
        #expect(registry.count == 0)
        let stale = ValueType.reference(heap(ids[0]), nullable: true)
        #expect(!registry.retain(stale))
        #expect(throws: ResourceError.self) { try registry.acquire(FunctionType([stale])) }
        #expect(registry.count == 0)
    }

    @Test func whatIsRetainedStays() throws {
        let ids = try acquire([[function(), SubType(.structure([FieldType(.i8)]))]])
        let type = ValueType.reference(heap(ids[1], .structure), nullable: false)
        #expect(registry.retain(type))
        registry.release(ids)
        #expect(registry.kind(type.heapType.bits) == .structure)
        registry.release(type)
        #expect(registry.count == 0)
    }

    /// Each type names the one before: none of them may be left, nor the stack used up.
    @Test func longChainsGoAtOnce() throws {
        let count = 60_000
        let types = [FunctionType([.i32])] + (0..<count).map { FunctionType([reference($0)]) }
        registry.release(try registry.acquire(ModuleTypes(types)))
        #expect(registry.count == 0)
    }

    @Test func moreTypesThanThereIsRoomForAreRefused() throws {
        let registry = try TypeRegistry(slotLimit: 6000)
        func types(_ element: ValueType) -> ModuleTypes {
            var types = ModuleTypes([FunctionType([element])])
            types.append(
                group: Array(repeating: SubType(.array(FieldType(element))), count: 3500))
            return types
        }
        for _ in 0..<3 {
            let ids = try registry.acquire(types(.i32))
            #expect(Set(ids).count == 3501)
            #expect(throws: ResourceError(.signature, requested: 6000, limit: 5999)) {
                try registry.acquire(types(.i64))
            }
            #expect(registry.count == 3501)
            registry.release(ids)
            #expect(registry.count == 0)
            registry.release(try registry.acquire(types(.i64)))
        }
    }

    // MARK: Subtypes

    /// Against a walk from type to type, on trees of all shapes: displays and what lies beyond.
    @Test(arguments: [1, 3, 30, 1000])
    func subtypesAreFoundInTreesOfAnyShape(reach: Int) throws {
        let count = 300
        var types = ModuleTypes()
        var parents: [Int?] = []
        var depths: [Int] = []
        for index in 0..<count {
            var parent: Int?
            if index > 0 {
                let candidate = Int.random(in: max(0, index - reach)..<index)
                if depths[candidate] < 63, Int.random(in: 0..<80) > 0 { parent = candidate }
            }
            parents.append(parent)
            depths.append(parent.map { depths[$0] + 1 } ?? 0)
            let bits = (0..<9).map { FieldType(index >> $0 & 1 == 0 ? .i32 : .i64) }
            types.append(group: [
                SubType(.structure(bits), isFinal: false, supertype: parent.map { UInt32($0) })
            ])
        }
        let ids = try registry.acquire(types)
        for index in 0..<count {
            var above: Set<Int> = []
            var next: Int? = index
            while let present = next {
                above.insert(present)
                next = parents[present]
            }
            for other in 0..<count
            where registry.isSubtype(id: ids[index], of: ids[other]) != above.contains(other) {
                Issue.record("\(index) and \(other)")
            }
        }
        registry.release(ids)
        // Nothing is left of them for those who have their slots next.
        let others = try registry.acquire(
            ModuleTypes((0..<count).map { FunctionType(Array(repeating: .i32, count: $0)) }))
        for other in others.dropFirst() {
            #expect(!registry.isSubtype(id: others[0], of: other))
        }
        #expect(!registry.isSubtype(id: others[0], of: ids[0]))
    }

    @Test func referencesMatchByNumber() throws {
        let ids = try acquire([
            [function()], [function(below: 0)], [SubType(.structure([]), isFinal: false)],
            [SubType(.array(FieldType(.i8)))],
        ])
        let (top, low) = (heap(ids[0]), heap(ids[1]))
        let (structure, array) = (heap(ids[2], .structure), heap(ids[3], .array))
        #expect(low.matches(top, in: registry) && !top.matches(low, in: registry))
        #expect(top.matches(.func, in: registry) && !top.matches(.any, in: registry))
        #expect(structure.matches(.struct, in: registry) && structure.matches(.eq, in: registry))
        #expect(array.matches(.array, in: registry) && !array.matches(structure, in: registry))
        #expect(HeapType.none.matches(array, in: registry))
        #expect(!HeapType.nofunc.matches(array, in: registry))
        // The same slot as something else is nothing.
        #expect(!heap(ids[0], .array).matches(.array, in: registry))
        let numbers = TypeNumbers()
        #expect(numbers.kind(structure.bits) == .structure)
        #expect(array.matches(.any, in: numbers) && !array.matches(.func, in: numbers))
    }
}
