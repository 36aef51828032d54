import Testing

@testable import ApusSandbox

/// Those who wait for something, many of whom give up.
@Suite struct WaitingLineTests {
    @Test func itKeepsItsOrder() {
        var line = WaitingLine<String>()
        for number in UInt64(1)...6 { line.append("\(number)", number: number) }
        #expect(line.remove(1) == "1" && line.remove(4) == "4" && line.remove(4) == nil)
        #expect(line.removeFirst() == "2")
        line.append("7", number: 7)
        #expect(line.remove(7) == "7" && line.remove(2) == nil)
        #expect((0..<4).map { _ in line.removeFirst() } == ["3", "5", "6", nil])
        #expect(line.isEmpty)
    }

    /// Whoever has left takes no place for long, from wherever in the line.
    @Test func whoHasLeftIsForgotten() {
        var line = WaitingLine<UInt64>()
        let count: UInt64 = 100_000
        for number in 0..<count { line.append(number, number: number) }
        for number in (1..<count).reversed() { #expect(line.remove(number) == number) }
        #expect(line.placeCount <= 18)
        for number in count..<2 * count {
            line.append(number, number: number)
            #expect(line.removeFirst() == (number == count ? 0 : number - 1))
        }
        #expect(line.placeCount <= 18)
        #expect(line.removeFirst() == 2 * count - 1)
    }
}
