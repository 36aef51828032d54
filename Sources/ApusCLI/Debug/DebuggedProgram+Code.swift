@_spi(ApusCLI) internal import Apus

/// Code, by lines and by instructions.
extension DebuggedProgram {
    /// A line, as the client counts it.
    func shown(line: Int) -> Int { line - 1 + firstLine }

    /// A line that the client has named.
    func line(_ shown: JSON?) -> Int? {
        shown?.integer.map { min(max($0, 0), 1 << 30) + 1 - firstLine }
    }

    private static var instructionLimit: Int { 10_000 }

    /// Instructions around one, for a client.
    func disassemble(_ arguments: JSON) throws -> JSON {
        guard let place = MemoryReference(arguments["memoryReference"], arguments["offset"]) else {
            throw DebugRequestError("memoryReference and offset name no instruction")
        }
        let places = text.places
        let distance = min(max(arguments["instructionOffset"]?.integer ?? 0, -1 << 20), 1 << 20)
        let first = text.position(after: place.address) - 1 + distance
        let count = min(
            max(arguments["instructionCount"]?.integer ?? 0, 0), Self.instructionLimit)
        return [
            "instructions": .array(
                (0..<count).map { number in
                    let position = first + number
                    guard places.indices.contains(position) else { return Self.noInstruction }
                    let place = places[position]
                    return [
                        "address": .string(MemoryReference(place.offset).text),
                        "instruction": .string(text.instruction(onLine: place.line)),
                        "location": text.source, "line": .integer(shown(line: place.line)),
                    ]
                })
        ]
    }

    private static let noInstruction: JSON = [
        "address": "0x0", "instruction": "(no code)", "presentationHint": "invalid",
    ]
}
