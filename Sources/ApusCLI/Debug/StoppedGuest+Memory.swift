@_spi(ApusCLI) internal import Apus

/// Memories, and the bytes in them that the guest stops for.
extension StoppedGuest {
    /// A memory of the innermost function's instance.
    private func memory(_ index: Int) throws -> Memory {
        let memories = try frame(nil).frame.memories
        guard memories.indices.contains(index) else {
            throw DebugRequestError("the program has no memory \(index)")
        }
        return memories[index]
    }

    private func memoryReference(_ arguments: JSON) throws -> MemoryReference {
        guard let place = MemoryReference(arguments["memoryReference"], arguments["offset"]) else {
            throw DebugRequestError("memoryReference and offset name no address")
        }
        return place
    }

    /// More is not read at once.
    private static var countLimit: Int { 16 << 20 }

    func readMemory(_ arguments: JSON) throws -> JSON {
        let place = try memoryReference(arguments)
        let memory = try memory(place.memory)
        let wanted = min(max(arguments["count"]?.integer ?? 0, 0), Self.countLimit)
        let count = min(wanted, max(memory.byteCount - place.address, 0))
        let bytes = count == 0 ? [] : try memory.read(at: place.address, count: count)
        return [
            "address": .string(MemoryReference(place.address).text),
            "data": .string(Base64Text.text(bytes)),
            "unreadableBytes": .integer(wanted - count),
        ]
    }

    func writeMemory(_ arguments: JSON) throws -> JSON {
        let place = try memoryReference(arguments)
        let memory = try memory(place.memory)
        guard let bytes = arguments["data"]?.string.flatMap({ Base64Text.bytes($0) }) else {
            throw DebugRequestError("writeMemory needs data in base 64")
        }
        try memory.write(bytes, at: place.address)
        return ["bytesWritten": .integer(bytes.count)]
    }

    // MARK: Watching

    func dataBreakpointInfo(_ arguments: JSON) throws -> JSON {
        let name = arguments["name"]?.string ?? ""
        var place: MemoryReference?
        var count = 0
        if arguments["asAddress"]?.boolean == true {
            place = MemoryReference(arguments["name"])
            count = arguments["bytes"]?.integer ?? 4
        } else {
            let variable: Debugger.Variable?
            if let number = arguments["variablesReference"]?.integer, number > 0 {
                variable = try container(number).parts(nil).last { $0.name == name }
            } else {
                let frame = try frame(arguments["frameId"]?.integer)
                variable = try? frame.frame.evaluate(name, sourceFrame: frame.depth).variable
            }
            place = variable?.address.map { MemoryReference(Int(clamping: $0)) }
            count = Int(clamping: variable?.byteCount ?? 0)
        }
        guard let place, count > 0 else {
            return ["dataId": .null, "description": .string("\(name) is not in memory")]
        }
        return [
            "dataId": .string(
                DebuggedProgram.WatchedBytes.name(place.memory, place.address, count)),
            "description": .string("\(name), \(count) bytes"),
            "accessTypes": ["write"], "canPersist": false,
        ]
    }

    /// More bytes, and more breakpoints, are not watched at once.
    private static var watchedBytesLimit: Int { 1 << 20 }
    private static var watchLimit: Int { 1000 }

    func setDataBreakpoints(_ arguments: JSON) throws -> JSON {
        var watched: [DebuggedProgram.WatchedBytes] = []
        var answers: [JSON] = []
        for wanted in (arguments["breakpoints"]?.array ?? []).prefix(Self.watchLimit) {
            let number = program.breakpointNumber()
            let bytes = watchedBytes(wanted["dataId"]?.string ?? "", number)
            if let bytes { watched.append(bytes) }
            answers.append(["id": .integer(number), "verified": .boolean(bytes != nil)])
        }
        program.watch(watched)
        return ["breakpoints": .array(answers)]
    }

    /// The bytes that `dataBreakpointInfo` has called `name`; nil if there are none.
    private func watchedBytes(_ name: String, _ number: Int) -> DebuggedProgram.WatchedBytes? {
        let parts = name.split(separator: ":").map { Int($0) }
        guard parts.count == 3, let index = parts[0], let address = parts[1], let count = parts[2],
            let memory = try? memory(index), count > 0, count <= Self.watchedBytesLimit,
            address >= 0, address <= memory.byteCount, count <= memory.byteCount - address
        else { return nil }
        return DebuggedProgram.WatchedBytes(
            number: number, memory: index, address: UInt64(address), count: count)
    }
}
