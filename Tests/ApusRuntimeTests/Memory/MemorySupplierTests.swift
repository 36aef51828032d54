import ApusABI
import ApusFormat
import CApusHost
import Synchronization
import Testing

@testable import ApusRuntime

/// Memory that the host supplies.
@Suite struct MemorySupplierTests {
    /// Supplies regions of the system's, as it is told.
    private final class Supplier: MemorySupplier {
        enum Fault: CaseIterable {
            case none, refuses, tooSmall, misaligned, noGuardBefore, noGuardBehind, cannotGrow
        }

        let fault: Fault
        let demands = Mutex<[MemoryDemand]>([])
        let released = Atomic(0)
        let growths = Mutex<[UInt64]>([])
        /// What it does before it says whether there is more.
        let whileGrowing = Mutex<(@Sendable () -> Void)?>(nil)

        init(_ fault: Fault = .none) { self.fault = fault }

        func reserve(_ demand: MemoryDemand) -> (any SuppliedMemory)? {
            demands.withLock { $0.append(demand) }
            return fault == .refuses ? nil : Region(demand, self)
        }
    }

    @safe private final class Region: SuppliedMemory {
        private let supplier: Supplier
        private let start: UnsafeMutableRawPointer
        private let total: UInt64
        let bytes: UnsafeMutableRawBufferPointer

        init(_ demand: MemoryDemand, _ supplier: Supplier) {
            self.supplier = supplier
            let before = demand.guardBytesBefore
            total = before + demand.reservedBytes + 4096
            unsafe start = apus_reserve(total)!
            if !demand.isProtected { unsafe _ = apus_protect(start, total, apus_access_write) }
            var base = unsafe start + Int(before)
            var count = Int(demand.reservedBytes)
            switch supplier.fault {
            case .tooSmall: count -= 1
            case .misaligned: unsafe base += 8
            case .noGuardBefore: unsafe munmapPages(start, 1 << 16)
            case .noGuardBehind: unsafe munmapPages(base + count - (1 << 16), 1 << 16)
            default: break
            }
            unsafe bytes = UnsafeMutableRawBufferPointer(start: base, count: count)
        }

        func grow(to byteCount: UInt64) -> Bool {
            supplier.growths.withLock { $0.append(byteCount) }
            supplier.whileGrowing.withLock { $0 }?()
            return supplier.fault != .cannotGrow || byteCount <= 65536
        }

        func release() {
            supplier.released.add(1, ordering: .relaxed)
            unsafe apus_unmap(start, total)
        }
    }

    private static func memory(
        _ supplier: Supplier, _ type: MemoryType, checks: Bool = false
    ) throws(ResourceError) -> LinearMemory {
        try unsafe LinearMemory(
            type, limit: 1 << 20, alwaysChecksBounds: checks,
            site: LinearMemory.Site(supplier: supplier))
    }

    private static let type = MemoryType(limits: SizeLimits(minimum: 1, maximum: 3))

    @Test(arguments: [false, true])
    func memoriesAreMadeOfWhatIsSupplied(checks: Bool) throws {
        let supplier = Supplier()
        do {
            let memory = try Self.memory(supplier, Self.type, checks: checks)
            #expect(memory.put([1, 2, 3], at: 65533))
            #expect(memory.grow(by: 2) == 1)
            #expect(memory.grow(by: 1) == nil)
            #expect(memory.read(4, at: 65532) == [0, 1, 2, 3])
            #expect(memory.store(UInt8(7), at: 3 * 65536 - 1))
            #expect(!memory.reset(keepingResident: 0))
        }
        #expect(supplier.released.load(ordering: .relaxed) == 1)
        #expect(supplier.growths.withLock { $0 } == [65536, 3 * 65536])
        let demand = try #require(supplier.demands.withLock { $0.first })
        #expect(demand.minimumBytes == 65536 && demand.maximumBytes == 3 * 65536)
        #expect(demand.isProtected == !checks)
        #expect(demand.guardBytesBefore == (checks ? 0 : 2 << 30))
        #expect(
            demand.reservedBytes == (checks ? 3 * 65536 : MemoryPlan.fullReservationBytes))
        #expect(demand.alignment == (checks ? 16 : apus_page_bytes()))
    }

    @Test func whatIsSuppliedIsChecked() {
        func refused(_ fault: Supplier.Fault, checks: Bool = false) -> (ResourceError?, Int) {
            let supplier = Supplier(fault)
            do throws(ResourceError) {
                _ = try Self.memory(supplier, Self.type, checks: checks)
                return (nil, supplier.released.load(ordering: .relaxed))
            } catch {
                return (error, supplier.released.load(ordering: .relaxed))
            }
        }
        let page = apus_page_bytes()
        let full = MemoryPlan.fullReservationBytes
        #expect(refused(.none) == (nil, 1))
        #expect(refused(.refuses) == (ResourceError(.suppliedMemory, requested: full), 0))
        #expect(
            refused(.tooSmall)
                == (ResourceError(.suppliedMemory, requested: full, limit: full - 1), 1))
        #expect(refused(.misaligned) == (ResourceError(.suppliedAlignment, requested: page), 1))
        for fault in [Supplier.Fault.noGuardBefore, .noGuardBehind] {
            let (error, released) = refused(fault)
            #expect(error?.resource == .suppliedMemory && error?.errorNumber != 0, "\(fault)")
            #expect(released == 1)
        }
        #expect(
            refused(.misaligned, checks: true)
                == (ResourceError(.suppliedAlignment, requested: 16), 1))
        #expect(refused(.tooSmall, checks: true).0?.resource == .suppliedMemory)
    }

    @Test func growthThatIsNotSuppliedIsRefused() throws {
        final class Limiter: ResourceLimiter {
            var failures: [ResourceError] = []
            func allows(_ growth: Growth) -> Bool { true }
            func growthFailed(_ growth: Growth, _ error: ResourceError) { failures.append(error) }
        }
        let store = try RuntimeStore(makeEnvironment())
        let limiter = Limiter()
        store.limiter = limiter
        let memory = try store.makeMemory(Self.type, from: Supplier(.cannotGrow))
        #expect(try store.grow(memory, by: 1) == nil)
        #expect(memory.pageCount == 1)
        #expect(limiter.failures == [ResourceError(.suppliedMemory, requested: 2 * 65536)])
        let small = MemoryType(limits: SizeLimits(minimum: 2))
        #expect(throws: ResourceError(.suppliedMemory, requested: 2 * 65536)) {
            try store.makeMemory(small, from: Supplier(.cannotGrow))
        }
        #expect(limiter.failures.count == 2)
    }

    /// A supplier that makes its memory grow while it is asked for more gets an error: it would
    /// wait for itself if the memory is shared, and else be overtaken by what it has made.
    @Test(arguments: [false, true])
    func suppliersCannotMakeTheSameMemoryGrow(isShared: Bool) throws {
        final class Tries: @unchecked Sendable {
            var outcomes: [Result<UInt64?, any Error>] = []
            var attempt: () -> [Result<UInt64?, any Error>] = { [] }
        }
        let supplier = Supplier()
        let store = try RuntimeStore(makeEnvironment())
        var type = Self.type
        type.isShared = isShared
        let memory = try store.makeMemory(type, from: supplier)
        let other = try store.makeMemory(type, from: Supplier())
        let tries = Tries()
        tries.attempt = {
            [
                Result { try store.grow(memory, by: 1) }, .success(memory.grow(by: 1)),
                Result { try store.grow(memory, by: 0) }, Result { try store.grow(other, by: 1) },
            ]
        }
        supplier.whileGrowing.withLock { hook in
            hook = { tries.outcomes = tries.attempt() }
        }
        #expect(try store.grow(memory, by: 1) == 1)
        #expect(memory.pageCount == 2 && other.pageCount == 2)
        try #require(tries.outcomes.count == 4)
        #expect(throws: ResourceError(.nestedGrowth, requested: 2 * 65536)) {
            try tries.outcomes[0].get()
        }
        #expect(try tries.outcomes[1...].map { try $0.get() } == [nil, 1, 1])
        supplier.whileGrowing.withLock { $0 = nil }
        #expect(try store.grow(memory, by: 1) == 2)
    }

    /// Guests cannot reach beyond what is supplied, either.
    @Test func guestsTrapBeyondIt() throws {
        let supplier = Supplier()
        let environment = try RuntimeEnvironment(
            trampolines: HandMadeTrampolines(),
            allocator: OnDemandInstanceAllocator(supplier: supplier))
        var parts = parts([.load], bytes: [1, 2, 3, 4])
        parts.memories = [Self.type]
        parts.data = [
            DataSegment(
                mode: .active(memory: 0, offset: ConstantExpression([.i32Const(8)])),
                contents: 0..<4)
        ]
        do {
            let guest = try RuntimeStore(environment).instance([.load], parts)
            #expect(try guest.call("f0", 8) == 0x0403_0201)
            #expect(try guest.call("f0", 65532) == 0)
            #expect(trap { try guest.call("f0", 65536) } == .memoryOutOfBounds)
            let last = MemoryPlan.fullReservationBytes - 4
            #expect(trap { try guest.call("f0", last) } == .memoryOutOfBounds)
        }
        // Such instances are not kept.
        #expect(supplier.released.load(ordering: .relaxed) == 1)
        #expect(environment.allocator.statistics.warmInstances == 0)
    }

    @Test func refusalsSayWhatIsWrong() {
        #expect(
            "\(ResourceError(.suppliedMemory, requested: 9, limit: 8))"
                == "supplied memory has 8 bytes instead of 9")
        #expect(
            "\(ResourceError(.suppliedMemory, requested: 9))"
                == "the host has not supplied 9 bytes of memory")
        #expect(
            "\(ResourceError(.suppliedAlignment, requested: 4096))"
                == "supplied memory does not start at a multiple of 4096 bytes")
        #expect(
            "\(ResourceError(.nestedGrowth, requested: 9))"
                == "a supplier that is asked for more memory makes the same memory grow")
    }
}

#if canImport(Glibc)
    import Glibc
#endif

private func munmapPages(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
    _ = unsafe munmap(start, bytes)
}
