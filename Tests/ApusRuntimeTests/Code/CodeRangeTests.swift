import CApusHost
import Testing

@testable import ApusRuntime

/// What the signal handler finds of announced code.
@Suite struct CodeRangeTests {
    /// Addresses that are nobody's: above those of processes.
    private static let base: UInt = 1 << 60

    private static func add(_ place: Int) -> Bool {
        let start = base &+ UInt(place) &* 4096
        return apus_code_range_add(start, start &+ 1000, nil, 0) != 0
    }

    private static func remove(_ place: Int) {
        apus_code_range_remove(base &+ UInt(place) &* 4096)
    }

    private static func covers(_ place: Int, _ offset: UInt = 0) -> Bool {
        apus_code_covers(base &+ UInt(place) &* 4096 &+ offset) != 0
    }

    @Test func rangesAreFoundInWhateverOrderTheyCome() {
        var order = Array(0..<1000)
        order.shuffle()
        for place in order { #expect(Self.add(place)) }
        for place in 0..<1000 {
            #expect(Self.covers(place) && Self.covers(place, 999))
            #expect(!Self.covers(place, 1000) && !Self.covers(place, 4095))
        }
        order.shuffle()
        for place in order[..<500] { Self.remove(place) }
        for place in order[..<500] { #expect(!Self.covers(place)) }
        for place in order[500...] { #expect(Self.covers(place)) }
        for place in order[500...] { Self.remove(place) }
        for place in order { #expect(!Self.covers(place)) }
        Self.remove(1)
    }

    /// Readers take no lock, and find what is there throughout, while other ranges come and go.
    @Test func rangesAreFoundWhileOthersChange() async {
        #expect(Self.add(5000))
        await withTaskGroup(of: Int.self) { group in
            group.addTask {
                for round in 0..<20_000 {
                    _ = Self.add(4000 + round % 200)
                    _ = Self.add(6000 + round % 200)
                    Self.remove(4000 + round % 200)
                    Self.remove(6000 + round % 200)
                }
                return 0
            }
            group.addTask {
                (0..<2_000_000).count { _ in !Self.covers(5000, 500) || Self.covers(7000) }
            }
            for await missed in group { #expect(missed == 0) }
        }
        Self.remove(5000)
    }

    /// A range that functions are added to while others read it.
    @Test func growingRangesHaveWhatWasAdded() throws {
        let start = Self.base &+ 1 << 40
        guard let directory = unsafe apus_code_directory_make(3) else {
            throw ResourceError(.code, requested: 3)
        }
        let sites = UnsafeMutablePointer<apus_trap_site>.allocate(capacity: 2)
        let site = apus_trap_site(code_offset: 8, packed: 3 << 24)
        unsafe sites.initialize(repeating: site, count: 2)
        defer { unsafe sites.deallocate() }
        #expect(unsafe apus_code_range_add_growing(start, start &+ 4096, directory) != 0)
        #expect(unsafe apus_code_at(start).start == start)
        #expect(unsafe apus_code_at(start).count == 0)
        #expect(unsafe apus_code_directory_add(directory, start, sites, 1) != 0)
        #expect(unsafe apus_code_directory_add(directory, start &+ 64, sites, 2) != 0)
        #expect(unsafe apus_code_at(start &+ 63).count == 1)
        #expect(unsafe apus_code_at(start &+ 64).start == start &+ 64)
        #expect(unsafe apus_code_at(start &+ 4095).count == 2)
        #expect(unsafe apus_code_at(start &+ 4096).start == 0)
        unsafe apus_code_directory_drop(directory, start &+ 64)
        #expect(unsafe apus_code_at(start &+ 64).count == 0)
        #expect(unsafe apus_code_at(start).count == 1)
        #expect(unsafe apus_code_directory_add(directory, start &+ 128, sites, 1) != 0)
        // It is full.
        #expect(unsafe apus_code_directory_add(directory, start &+ 192, sites, 1) == 0)
        apus_code_range_remove(start)
        unsafe apus_code_directory_free(directory)
        #expect(unsafe apus_code_at(start).start == 0)
    }
}
