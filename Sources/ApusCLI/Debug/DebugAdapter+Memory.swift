@_spi(ApusCLI) internal import Apus
internal import ApusCollections

/// Memory, and code by instructions.
extension DebugAdapter {
    /// Answers a request of that kind; false if it is none.
    func answerMemoryRequest(_ request: DebugRequest) throws -> Bool {
        switch request.command {
        case "readMemory": channel.answer(request, try readMemory(request.arguments))
        case "writeMemory": channel.answer(request, try writeMemory(request.arguments))
        case "disassemble": channel.answer(request, try disassemble(request.arguments))
        default: return false
        }
        return true
    }

    /// The guest's first memory.
    func memory() throws -> Memory {
        guard let memory = try stoppedGuest().frame(1).frame.memories.first else {
            throw DebugRequestError("the program has no memory")
        }
        return memory
    }

    /// The number that a reference and an offset stand for; nil if that is none.
    static func address(_ reference: JSON?, _ offset: JSON?) -> Int? {
        guard let text = reference?.string else { return nil }
        let number = text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
        let (sum, overflow) = (number ?? -1).addingReportingOverflow(offset?.integer ?? 0)
        return number == nil || overflow || sum < 0 ? nil : sum
    }

    private func address(_ arguments: JSON) throws -> Int {
        guard let address = Self.address(arguments["memoryReference"], arguments["offset"]) else {
            throw DebugRequestError("memoryReference and offset name no address")
        }
        return address
    }

    /// More is not read at once.
    private static var countLimit: Int { 16 << 20 }

    private func readMemory(_ arguments: JSON) throws -> JSON {
        let memory = try memory()
        let address = try address(arguments)
        let wanted = min(max(arguments["count"]?.integer ?? 0, 0), Self.countLimit)
        let count = min(wanted, max(memory.byteCount - address, 0))
        let bytes = count == 0 ? [] : try memory.read(at: address, count: count)
        return [
            "address": .string(Self.hex(UInt64(address))),
            "data": .string(Base64Text.text(bytes)),
            "unreadableBytes": .integer(wanted - count),
        ]
    }

    private func writeMemory(_ arguments: JSON) throws -> JSON {
        let memory = try memory()
        let address = try address(arguments)
        guard let bytes = arguments["data"]?.string.flatMap({ Base64Text.bytes($0) }) else {
            throw DebugRequestError("writeMemory needs data in base 64")
        }
        try memory.write(bytes, at: address)
        return ["bytesWritten": .integer(bytes.count)]
    }

    // MARK: Code

    private static var instructionLimit: Int { 10_000 }

    private func disassemble(_ arguments: JSON) throws -> JSON {
        let text = try program().text
        let offset = try address(arguments)
        let places = text.places
        let distance = min(max(arguments["instructionOffset"]?.integer ?? 0, -1 << 20), 1 << 20)
        let first = text.position(after: offset) - 1 + distance
        let count = min(
            max(arguments["instructionCount"]?.integer ?? 0, 0), Self.instructionLimit)
        return [
            "instructions": .array(
                (0..<count).map { number in
                    let position = first + number
                    guard places.indices.contains(position) else { return Self.noInstruction }
                    let place = places[position]
                    return [
                        "address": .string(Self.hex(UInt64(place.offset))),
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
