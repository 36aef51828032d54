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
}
