import ApusABI
import ApusFormat
import CApusHost
import Foundation
import Testing

@testable import ApusRuntime

@Suite struct LinearMemoryTests {
    private func memory(_ minimum: UInt64, _ maximum: UInt64? = nil) throws -> LinearMemory {
        let type = MemoryType(limits: SizeLimits(minimum: minimum, maximum: maximum))
        return try unsafe LinearMemory(type, limit: 1 << 32)
    }

    /// Another thread makes a shared memory larger, byte by byte.
    @Test func growthIsMeasuredAtOnce() throws {
        let most: UInt64 = 1_000_000
        var type = MemoryType(limits: SizeLimits(minimum: 0, maximum: most))
        type.isShared = true
        type.pageSizeLog2 = 0
        // SAFETY: shared memories may be looked at and grown by any thread.
        nonisolated(unsafe) let memory = try unsafe LinearMemory(type, limit: most)
        Thread.detachNewThread { while unsafe memory.grow(by: 1) != nil {} }
        var negative = 0
        while unsafe memory.pageCount < most {
            let growth = unsafe RuntimeStore.growth(of: memory, 0)
            if growth.desired < growth.current { negative += 1 }
        }
        #expect(negative == 0)
    }

    @Test func growsInPlaceUpToItsMaximum() throws {
        let memory = try memory(1, 3)
        let address = unsafe memory.baseAddress
        #expect(memory.store(UInt8(7), at: 65535))
        #expect(!memory.store(UInt8(7), at: 65536))
        #expect(memory.grow(by: 0) == 1)
        #expect(memory.grow(by: 2) == 1)
        #expect(memory.grow(by: 1) == nil)
        #expect(memory.grow(by: .max) == nil)
        #expect(memory.pageCount == 3)
        #expect(unsafe memory.baseAddress == address)
        #expect(unsafe memory.load(UInt8.self, at: 65535) == 7)
        #expect(unsafe memory.load(UInt64.self, at: 3 * 65536 - 8) == 0)
        #expect(unsafe memory.load(UInt64.self, at: 3 * 65536 - 7) == nil)
    }

    @Test func wantOfAddressSpaceNamesTheWayOut() async {
        // Requests of the whole process are counted.
        await #expect(processExitsWith: .success) {
            func refused(alwaysChecksBounds: Bool) -> ResourceError? {
                let type = MemoryType(limits: SizeLimits(minimum: 1))
                apus_fail_request(1)
                do throws(ResourceError) {
                    _ = try unsafe LinearMemory(
                        type, limit: 1 << 20, alwaysChecksBounds: alwaysChecksBounds)
                    return nil
                } catch {
                    return error
                }
            }
            let space = try #require(refused(alwaysChecksBounds: false))
            #expect(space.resource == .addressSpace && space.requested > 4 << 30)
            #expect("\(space)".contains("`alwaysChecksBounds`"))
            let memory = try #require(refused(alwaysChecksBounds: true))
            #expect(memory.resource == .memory && memory.requested == 1 << 20)
            #expect(!"\(memory)".contains("alwaysChecksBounds"))
        }
    }

    @Test func fourGibibytesAreTheMost() throws {
        let memory = try memory(65535)
        #expect(memory.grow(by: 2) == nil)
        #expect(memory.grow(by: 1) == 65535)
        #expect(memory.grow(by: 1) == nil)
        #expect(memory.byteCount == 1 << 32)
        #expect(memory.store(UInt8(1), at: (1 << 32) - 1))
    }

    @Test func limitStopsGrowthAndCreation() throws {
        let type = MemoryType(limits: SizeLimits(minimum: 2))
        #expect(throws: ResourceError(.memory, requested: 131072, limit: 65536)) {
            try unsafe LinearMemory(type, limit: 65536)
        }
        let memory = try unsafe LinearMemory(type, limit: 200_000)
        #expect(memory.grow(by: 1) == 2)
        #expect(memory.grow(by: 1) == nil)
    }

    @Test func accessesAreCheckedAtTheEdges() throws {
        let memory = try memory(1)
        for address in [65536, 65537, UInt64.max, UInt64.max - 3] {
            #expect(unsafe memory.load(UInt32.self, at: address) == nil)
            #expect(memory.read(4, at: address) == nil)
            #expect(!memory.put([1, 2], at: address))
        }
        #expect(memory.read(0, at: 65536) == [])
        #expect(memory.read(0, at: 65537) == nil)
        #expect(memory.read(-1, at: 0) == nil)
        #expect(memory.put([1, 2, 3], at: 65533))
        #expect(memory.read(4, at: 65532) == [0, 1, 2, 3])
    }

    #if os(Linux)
        /// Whether `count` pages from `start` on belong to mappings that nobody can touch.
        private static func isGuard(_ start: UInt, _ count: UInt) throws -> Bool {
            let text = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
            var next = start
            for line in text.split(separator: "\n") {
                let fields = line.split(separator: " ")
                let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                guard bounds[0] <= next, next < bounds[1], fields[1].hasPrefix("---") else {
                    continue
                }
                next = bounds[1]
                if next >= start &+ count { return true }
            }
            return false
        }

        @Test func nothingCanBeTouchedBeforeAMemory() throws {
            let memory = try memory(1)
            let base = UInt(bitPattern: unsafe memory.baseAddress)
            #expect(try Self.isGuard(base - 2 << 30, 2 << 30))
            #expect(try Self.isGuard(base + 65536, UInt(MemoryPlan.fullReservationBytes) - 65536))
            #expect(!memory.reserves(base - 1))
        }

        /// Also of a pool: the guard behind one memory is before the next.
        @Test func nothingCanBeTouchedBeforeAPoolsMemory() throws {
            var limits = InstanceLimits()
            limits.contextBytes = 1 << 14
            limits.memories = 2
            limits.memoryBytes = 1 << 16
            limits.tables = 0
            limits.tableElements = 0
            let pool = try PoolingInstanceAllocator(
                PoolConfiguration(instances: 33, limits: limits))
            for slot in [0, 1, 31, 32] as [UInt32] {
                for index in 0..<2 {
                    let place = pool.regions.memory(slot, index)
                    let base = UInt(bitPattern: unsafe place.base)
                    #expect(try Self.isGuard(base - 2 << 30, 2 << 30), "\(slot) \(index)")
                }
            }
        }

        /// An access before a memory is a fault of compiled code, which must not go on.
        @Test func accessBeforeAMemoryEndsTheProcess() async {
            await #expect(processExitsWith: .failure) {
                signal(SIGILL, SIG_DFL)
                var parts = parts([.load])
                parts.memories = [MemoryType(limits: SizeLimits(minimum: 1))]
                let guest = try RuntimeStore(makeEnvironment()).instance([.load], parts)
                _ = trap { try guest.call("f0", UInt64(bitPattern: -5)) }
                _exit(0)
            }
        }
    #endif
}
