import ApusFormat
import CApusHost
import Foundation
import Testing

@testable import ApusRuntime

/// Memories are written over where they have been changed, as far as the system says where.
@Suite struct ChangedPagesTests {
    private static var page: Int { Int(apus_page_bytes()) }
    private static var byteCount: Int { 4 << 16 }

    /// How many rows of changed pages the system finds; -1 if it does not say.
    private static func rows(_ memory: LinearMemory, capacity: Int = 32) -> Int {
        // SAFETY: the memory has as many bytes, and `pages` as much room.
        var pages = [apus_pages](repeating: apus_pages(), count: capacity)
        return unsafe pages.withUnsafeMutableBufferPointer { pages in
            Int(
                unsafe apus_changed_pages(
                    memory.baseAddress, UInt64(memory.byteCount), memory.image == nil ? 0 : 1,
                    pages.baseAddress, UInt32(capacity)))
        }
    }

    private static func memory(_ image: MemoryImage?) throws -> LinearMemory {
        let type = MemoryType(limits: SizeLimits(minimum: 4, maximum: 8))
        return try unsafe LinearMemory(
            type, limit: 1 << 20, site: LinearMemory.Site(record: nil, place: nil, image: image))
    }

    private static func image() throws -> MemoryImage {
        let bytes = (0..<(6 * page - 100)).map { UInt8(truncatingIfNeeded: $0 &* 7 | 1) }
        return try MemoryImage(byteCount: UInt64(6 * page), in: ImageDescriptors(limit: 1)) {
            writer throws(ResourceError) in try writer.write(bytes.span, at: 0)
        }
    }

    /// Where a guest may have written: nowhere, in one place, in so many that nobody looks at each.
    private static var patterns: [[Int]] {
        [
            [], [0], [5 * page + 9], [byteCount - 1], [3, 2 * page, 2 * page + 1, 20 * page],
            Array(stride(from: 0, to: byteCount, by: 2 * page)),
            Array(stride(from: 7, to: byteCount, by: page)),
        ]
    }

    @Test(arguments: [false, true])
    func whateverWasWrittenIsGone(isImaged: Bool) throws {
        let memory = try Self.memory(isImaged ? Self.image() : nil)
        #expect(memory.isMapped == isImaged)
        let first = try #require(memory.read(Self.byteCount, at: 0))
        #expect(first.contains { $0 != 0 } == isImaged)
        for pattern in Self.patterns {
            for kept in [0, Self.page, 4 * Self.page + 5, 1 << 16, 1 << 20] {
                for looks in [true, false] {
                    for place in pattern {
                        #expect(memory.store(UInt8(0xEE), at: UInt64(place)))
                        // What was zero is another page of zeros now, and a changed one.
                        #expect(memory.store(UInt8(0), at: UInt64(place ^ 1)))
                    }
                    #expect(memory.reset(keepingResident: UInt64(kept), looksForChanges: looks))
                    #expect(memory.read(Self.byteCount, at: 0) == first)
                }
            }
        }
        // What has grown goes too.
        #expect(memory.grow(by: 4) == 4)
        #expect(memory.store(UInt8(0xEE), at: UInt64(Self.byteCount + 5)))
        #expect(memory.reset(keepingResident: 1 << 20))
        #expect(memory.grow(by: 4) == 4)
        #expect(unsafe memory.load(UInt8.self, at: UInt64(Self.byteCount + 5)) == 0)
    }

    @Test func onlyWrittenPagesAreChanged() throws {
        let image = try Self.image()
        for memory in [try Self.memory(nil), try Self.memory(image)] {
            if Self.rows(memory) < 0 { return }
            #expect(Self.rows(memory) == 0)
            _ = memory.read(6 * Self.page, at: 0)
            #expect(Self.rows(memory) == 0)
            for place in [1, 3, 4] {
                #expect(memory.store(UInt8(0), at: UInt64(place * Self.page)))
            }
            #expect(Self.rows(memory) == 2)
            #expect(Self.rows(memory, capacity: 1) == -1)
            // They stay with the memory as they were.
            #expect(memory.reset(keepingResident: UInt64(3 * Self.page)))
            #expect(Self.rows(memory) == 2)
            #expect(memory.reset(keepingResident: UInt64(2 * Self.page)))
            #expect(memory.reset(keepingResident: 0))
            #expect(Self.rows(memory) == 0)
        }
    }

    #if os(Linux)
        /// A child has inherited a descriptor that tells of its parent's pages.
        @Test func childrenDoNotLookAtTheirParents() async {
            await #expect(processExitsWith: .success) {
                let memory = try ChangedPagesTests.memory(nil)
                _ = ChangedPagesTests.rows(memory)
                // Swift hides `fork` itself, since children must not do much; this one does not.
                guard let symbol = unsafe dlsym(nil, "fork") else { _exit(3) }
                let fork = unsafe unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
                let child = fork()
                if child == 0 { _exit(ChangedPagesTests.rows(memory) == -1 ? 0 : 1) }
                var status: Int32 = -1
                #expect(unsafe waitpid(child, &status, 0) == child && status == 0)
            }
        }
    #endif
}
