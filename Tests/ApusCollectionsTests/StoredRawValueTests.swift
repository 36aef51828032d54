import Testing

@testable import ApusCollections

/// Cases that records keep as numbers.
@Suite struct StoredRawValueTests {
    private enum Colour: UInt8, CaseIterable {
        case red = 2
        case green = 7
    }

    @Test func casesComeBack() {
        for colour in Colour.allCases {
            #expect(Colour(stored: colour.rawValue, or: .red) == colour)
            #expect(Colour(stored: colour.rawValue, or: .green) == colour)
        }
    }

    #if DEBUG
        @Test func buildsForDebuggingStopAtOthers() async {
            await #expect(processExitsWith: .failure) { _ = Colour(stored: 3, or: .red) }
        }
    #else
        @Test func othersGoOn() { #expect(Colour(stored: 3, or: .green) == .green) }
    #endif
}
