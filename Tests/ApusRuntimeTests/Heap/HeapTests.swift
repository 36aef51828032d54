import ApusABI
import ApusCollections
import ApusFormat
import CApusHost
import Testing

@testable import ApusRuntime

/// Objects made and collected without compiled code.
@Suite struct HeapTests {
    /// A store with three types: `(struct (field i64) (field anyref) (field anyref))`,
    /// `(array (mut anyref))` and `(array (mut i8))`.
    private final class Objects {
        let store: RuntimeStore
        let types: SharedTypes
        let node: UInt32
        let references: UInt32
        let bytes: UInt32

        init(
            limits: StoreLimits = StoreLimits(), isZealous: Bool = false
        ) throws {
            var configuration = RuntimeConfiguration()
            configuration.collectsAtEachAllocation = isZealous
            let environment = try makeEnvironment(configuration)
            store = try RuntimeStore(environment, limits: limits)
            let anyref = FieldType(.reference(.any, nullable: true), isMutable: true)
            var types = ModuleTypes()
            types.append(
                group: [
                    SubType(.structure([FieldType(.i64, isMutable: true), anyref, anyref]))
                ])
            types.append(group: [SubType(.array(anyref))])
            types.append(group: [SubType(.array(FieldType(.i8, isMutable: true)))])
            self.types = try SharedTypes(types, in: environment.types)
            (node, references, bytes) = (
                self.types.ids[0], self.types.ids[1], self.types.ids[2]
            )
        }

        func word(_ object: UInt64, _ index: Int) -> UnsafeMutablePointer<UInt64> {
            unsafe UnsafeMutablePointer<UInt64>(bitPattern: UInt(object)).unsafelyUnwrapped + index
        }

        func get(_ object: UInt64, _ index: Int) -> UInt64 { unsafe word(object, index).pointee }

        func set(_ object: UInt64, _ index: Int, _ value: UInt64) {
            unsafe word(object, index).pointee = value
        }

        func makeNode(_ value: UInt64, _ left: UInt64 = 0, _ right: UInt64 = 0) throws -> UInt64 {
            store.pinned += [left, right]
            defer { store.pinned.removeLast(2) }
            let node = try store.makeObject(node)
            set(node, 1, value)
            set(node, 2, left)
            set(node, 3, right)
            return node
        }

        /// Whether an object begins at `address`, as far as collections know.
        func isObject(_ address: UInt64) -> Bool {
            guard let heap = store.heap else { return false }
            heap.finishSweeping()
            return heap.isObject(address)
        }
    }

    @Test func objectsAreZerosBehindTheirHeader() throws {
        let objects = try Objects()
        let node = try objects.store.makeObject(objects.node)
        let array = try objects.store.makeObject(objects.bytes, length: 9)
        #expect(node % 16 == 0 && array % 16 == 0)
        #expect(objects.get(node, 0) == UInt64(objects.node))
        #expect((1...3).allSatisfy { objects.get(node, $0) == 0 })
        #expect(objects.get(array, 0) == UInt64(objects.bytes) | 9 << 32)
        #expect(objects.get(array, 1) == 0 && objects.get(array, 2) == 0)
        #expect(array - node == 32)
    }

    @Test func whatNothingRefersToGoes() throws {
        let objects = try Objects()
        let leaf = try objects.makeNode(1)
        let held = try objects.makeNode(2, leaf)
        let cycle = try objects.makeNode(3)
        let other = try objects.makeNode(4, cycle)
        objects.set(cycle, 2, other)
        let number = objects.store.root(held)
        objects.store.collectHeap()
        #expect(objects.isObject(leaf) && objects.isObject(held))
        #expect(!objects.isObject(cycle) && !objects.isObject(other))
        #expect(objects.store.heap?.liveBytes == 64)
        #expect(objects.get(leaf, 1) == 1 && objects.get(held, 1) == 2)
        objects.store.unroot(number)
        objects.store.collectHeap()
        #expect(!objects.isObject(leaf) && !objects.isObject(held))
        #expect(objects.store.heap?.liveBytes == 0)
        #expect(objects.store.statistics.collections == 2)
    }

    @Test func tablesAndGlobalsKeepObjects() throws {
        let objects = try Objects()
        let anyref = ValueType.reference(.any, nullable: true)
        let table = try objects.store.makeTable(
            TableType(element: anyref, limits: SizeLimits(minimum: 2)))
        let global = try objects.store.makeGlobal(GlobalType(anyref, isMutable: true), bits: 0)
        let first = try objects.makeNode(1)
        _ = table.set(1, first)
        let second = try objects.makeNode(2)
        global.bits = second
        objects.store.collectHeap()
        #expect(objects.isObject(first) && objects.isObject(second))
        _ = table.set(1, 0)
        global.bits = 5  // An integer of 31 bits.
        objects.store.collectHeap()
        #expect(!objects.isObject(first) && !objects.isObject(second))
    }

    @Test func largeObjectsComeAndGo() throws {
        let objects = try Objects()
        let array = try objects.store.makeObject(objects.references, length: 100_000)
        let number = objects.store.root(array)
        let kept = try objects.makeNode(7)
        objects.set(array, 100_000, kept)
        let lost = try objects.store.makeObject(objects.bytes, length: 3_000_000)
        objects.store.collectHeap()
        #expect(objects.isObject(array) && objects.isObject(kept) && !objects.isObject(lost))
        #expect(objects.get(kept, 1) == 7)
        let bytes = objects.store.heapBytes
        // It goes where the lost one was, and is all zeros.
        objects.set(lost, 5, .max)
        let again = try objects.store.makeObject(objects.bytes, length: 3_000_000)
        #expect(again == lost && objects.store.heapBytes == bytes)
        #expect(objects.get(again, 5) == 0)
        objects.store.unroot(number)
    }

    @Test func littleLivesInLittleRoom() throws {
        let objects = try Objects()
        var numbers: [Int] = []
        for _ in 0..<1000 { numbers.append(objects.store.root(try objects.makeNode(1))) }
        for _ in 0..<2_000_000 { _ = try objects.store.makeObject(objects.node) }
        #expect(objects.store.statistics.collections >= 6)
        #expect(objects.store.heapBytes <= 20 << 20)
        #expect(objects.store.statistics.heapBytes.now == objects.store.heapBytes)
        #expect(numbers.allSatisfy { objects.get(objects.store.rooted($0), 1) == 1 })
    }

    @Test func moreWaitThanMay() throws {
        let objects = try Objects()
        let array = try objects.store.makeObject(objects.references, length: 1000)
        let number = objects.store.root(array)
        var leaves: [UInt64] = []
        for index in 1...1000 {
            let leaf = try objects.makeNode(UInt64(index))
            leaves.append(leaf)
            objects.set(array, index, try objects.makeNode(0, leaf))
        }
        objects.store.heap?.waitingLimit = 10
        objects.store.collectHeap()
        #expect(leaves.allSatisfy { objects.isObject($0) })
        #expect(objects.store.heap?.liveBytes == 8016 + 2000 * 32)
        objects.store.unroot(number)
    }

    /// Arrays that fill what may wait, and refer to the next one at a lower address.
    @Test func whatCannotWaitIsLookedThroughOnce() throws {
        let objects = try Objects()
        var last: UInt64 = 0
        for _ in 0..<50 {
            let array = try objects.store.makeObject(objects.references, length: 101)
            objects.store.pinned = [array]
            // An integer of 31 bits, which is reported each time that it is come across.
            for index in 1...100 { objects.set(array, index, try objects.makeNode(0, 3)) }
            objects.set(array, 101, last)
            last = array
        }
        objects.store.pinned = []
        let heap = try #require(objects.store.heap)
        heap.waitingLimit = 10
        var integers = 0
        heap.beginCollection()
        heap.mark(last)
        heap.trace { _ in integers += 1 }
        heap.endCollection()
        #expect(integers == 50 * 100)
        #expect(heap.liveBytes == 50 * (816 + 100 * 32))
    }

    @Test func limitsHold() throws {
        var limits = StoreLimits()
        limits.heapBytes = 4 << 20
        let objects = try Objects(limits: limits)
        #expect(throws: ObjectFailure.self) {
            _ = try objects.store.makeObject(objects.references, length: 1 << 20)
        }
        var last: UInt64 = 0
        var count = 0
        #expect(throws: ObjectFailure.self) {
            while true {
                last = try objects.makeNode(1, last)
                objects.store.pinned = [last]
                count += 1
            }
        }
        #expect(count > 120_000 && count <= 131_072)
        // What fails has been looked for, and is forgotten.
        #expect(objects.store.heapBytes <= 4 << 20)
        objects.store.pinned = []
        _ = try objects.makeNode(2)
    }

    /// A heap may be filled to the last byte, but not be collected for each few that are left.
    @Test func aHeapThatIsNearlyFullIsCollectedOnce() throws {
        var limits = StoreLimits()
        limits.heapBytes = 4 << 20
        let objects = try Objects(limits: limits)
        var last: UInt64 = 0
        for _ in 0..<130_000 {
            last = try objects.makeNode(1, last)
            objects.store.pinned = [last]
        }
        let error = #expect(throws: ObjectFailure.self) {
            for _ in 0..<100_000 { _ = try objects.makeNode(2) }
        }
        #expect(error?.code == .heapExhausted)
        #expect(objects.store.statistics.collections <= 2)
        // Enough goes.
        objects.store.pinned = []
        last = 0
        for _ in 0..<100_000 { _ = try objects.makeNode(2) }
        for _ in 0..<120_000 {
            last = try objects.makeNode(1, last)
            objects.store.pinned = [last]
        }
        for _ in 0..<100_000 { _ = try objects.makeNode(2) }
        #expect(objects.store.statistics.collections < 30)
    }

    /// However often a full heap was asked for more, there is room when enough of what lived has
    /// gone: all of it, or half.
    @Test(arguments: [0, 65_000]) func aHeapThatWasFullHasRoomAgain(kept: Int) throws {
        var limits = StoreLimits()
        limits.heapBytes = 4 << 20
        let objects = try Objects(limits: limits)
        var (last, oldest, count): (UInt64, UInt64, Int) = (0, 0, 0)
        for _ in 0..<40 {
            let error = #expect(throws: ObjectFailure.self) {
                while true {
                    last = try objects.makeNode(1, last)
                    objects.store.pinned = [last]
                    count += 1
                    if count == kept { oldest = last }
                }
            }
            #expect(error?.code == .heapExhausted)
        }
        objects.store.pinned = [oldest]
        for _ in 0..<100_000 { _ = try objects.makeNode(2) }
        #expect(objects.store.heap?.isFull == false)
    }

    /// Where much lives there are more exceptions and host objects between two collections.
    @Test func exceptionsAreNoReasonToMarkALargeHeapAllTheTime() throws {
        let objects = try Objects()
        let store = objects.store
        var last: UInt64 = 0
        for _ in 0..<200_000 {
            last = try objects.makeNode(1, last)
            store.pinned = [last]
        }
        let tag = try store.makeTag(FunctionType())
        let before = store.statistics.collections
        for _ in 0..<7000 { _ = try store.makeException(tag, []) }
        #expect(store.statistics.collections == before + 1)
        for _ in 0..<5000 { _ = try store.makeExternal(1) }
        #expect(!store.externals.needsCollection)
        for _ in 0..<2000 { _ = try store.makeExternal(1) }
        #expect(store.externals.needsCollection)
        #expect(store.exceptionCount > 5000)
    }

    /// Nor to look at many globals.
    @Test func exceptionsAreNoReasonToLookAtManyGlobalsAllTheTime() throws {
        let store = try Objects().store
        let type = GlobalType(.reference(.any, nullable: true), isMutable: true)
        for _ in 0..<200_000 { _ = try store.makeGlobal(type, bits: 0) }
        let tag = try store.makeTag(FunctionType())
        for _ in 0..<4000 { _ = try store.makeException(tag, []) }
        #expect(store.statistics.collections == 1)
    }

    /// Where hardly anything more may be kept there is no collection for each few exceptions, of
    /// the host's either.
    @Test func exceptionsThatNearlyFillTheHeapAreCollectedOnce() throws {
        var limits = StoreLimits()
        limits.heapBytes = 1 << 20
        let store = try Objects(limits: limits).store
        let tag = try store.makeTag(FunctionType())
        var kept: [ThrownException] = []
        while let exception = try? store.makeException(tag, []) { kept.append(exception) }
        kept.removeLast(10)
        let before = store.statistics.collections
        let error = #expect(throws: ResourceError.self) {
            for _ in 0..<1000 { _ = try store.makeException(tag, []) }
        }
        #expect(error?.resource == .heap)
        #expect(store.statistics.collections == before + 1)
        kept.removeLast(1000)
        for _ in 0..<3000 { _ = try store.makeException(tag, []) }
    }

    @Test func theLimiterIsAsked() throws {
        final class Limiter: ResourceLimiter {
            var growths: [Growth] = []
            var failures = 0
            func allows(_ growth: Growth) -> Bool {
                growths.append(growth)
                return growth.desired <= 2 << 20
            }
            func growthFailed(_ growth: Growth, _ error: ResourceError) { failures += 1 }
        }
        let objects = try Objects()
        let limiter = Limiter()
        objects.store.limiter = limiter
        var last: UInt64 = 0
        #expect(throws: ObjectFailure.self) {
            while true {
                last = try objects.makeNode(1, last)
                objects.store.pinned = [last]
            }
        }
        #expect(objects.store.heapBytes == 2 << 20)
        #expect(limiter.growths.allSatisfy { $0.resource == .heap })
        #expect(limiter.failures > 0)
        #expect(objects.store.statistics.failedGrowths == limiter.failures)
    }

    @Test func hostObjectsLiveAsLongAsObjectsThatReferToThem() throws {
        final class Canary {}
        let objects = try Objects()
        weak var canary: Canary?
        var handle: UInt64 = 0
        do {
            let made = Canary()
            canary = made
            handle = try objects.store.makeExternal(made)
        }
        let number = objects.store.root(try objects.makeNode(0, handle))
        objects.store.collectExternals()
        #expect(canary != nil)
        objects.store.unroot(number)
        objects.store.collectExternals()
        #expect(canary == nil)
    }

    @Test(arguments: [false, true]) func graphsAreWhatTheyWere(isZealous: Bool) throws {
        let objects = try Objects(isZealous: isZealous)
        var random = SystemRandomNumberGenerator()
        let width = 40
        var slots = [UInt64](repeating: 0, count: width)
        var serials: [UInt64: UInt64] = [:]
        for serial in 1...UInt64(isZealous ? 500 : 50_000) {
            let slot = Int.random(in: 0..<width, using: &random)
            let left = slots.randomElement(using: &random) ?? 0
            let right = slots.randomElement(using: &random) ?? 0
            objects.store.pinned = slots + [left, right]
            let length = UInt32.random(in: 0..<2000, using: &random)
            _ = try objects.store.makeObject(objects.bytes, length: length)
            let isCut = serial % 7 == 0
            let node = try objects.makeNode(serial, isCut ? 0 : left, isCut ? 0 : right)
            slots[slot] = node
            serials[node] = serial
        }
        objects.store.pinned = slots
        objects.store.collectHeap()
        var reached: Set<UInt64> = []
        var pending = slots.filter { $0 != 0 }
        while let node = pending.popLast() {
            guard reached.insert(node).inserted else { continue }
            #expect(objects.get(node, 0) == UInt64(objects.node))
            #expect(objects.get(node, 1) == serials[node])
            for index in 2...3 where objects.get(node, index) != 0 {
                pending.append(objects.get(node, index))
            }
        }
        #expect(objects.store.heap?.liveBytes == 32 * reached.count)
        #expect(objects.store.statistics.collections >= (isZealous ? 1000 : 3))
    }
}
