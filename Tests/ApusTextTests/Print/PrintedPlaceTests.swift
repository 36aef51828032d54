import ApusCollections
import ApusText
import Testing

/// On which line of a module's text its instructions stand.
@Suite struct PrintedPlaceTests {
    @Test func linesOfInstructions() throws {
        let bytes = ByteStorage(
            try TextFormat.parseModule(
                """
                (module
                  (func (param i32) (result i32)
                    (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.const 2)))))
                """))
        let (text, places) = try TextFormat.printWithPlaces(bytes)
        #expect(text == (try TextFormat.print(bytes)))
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let instructions = places.map { place in
            lines[place.line - 1].drop { $0 == " " }.prefix { $0 != " " }
        }
        #expect(
            instructions == [
                "local.get", "if", "i32.const", "else", "i32.const", "end", ")",
            ])
        #expect(places.map(\.offset) == places.map(\.offset).sorted())
    }
}
