internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// The machine code of one function as text, a line for each instruction: where it is in the code,
/// its bytes, the instruction, and, if it can trap or is a call, the offset of its WebAssembly
/// instruction in the body and what it traps with.
struct AssemblyListing {
    private(set) var text = ""
    /// What can be said of the instruction at an offset, and of the call that returns there.
    private var faults: [Int: String] = [:]
    private var returns: [Int: String] = [:]
    /// Functions that are called, by the offset of the distance to them.
    private var callees: [Int: UInt32] = [:]

    /// Lists the first function of `batch`, which is not linked yet.
    init(_ batch: borrowing CodeBatch) {
        let function = batch.functions[0]
        for place in 0..<Int(function.trapCount) {
            let site = batch.sites.traps[Int(function.trapStart) + place]
            let place = Self.place(site.bodyOffset, in: function, batch.sites)
            faults[Int(site.codeOffset)] = "\(place) \(site.code)"
        }
        for place in 0..<Int(function.callCount) {
            let site = batch.sites.calls[Int(function.callStart) + place]
            var note = Self.place(site.bodyOffset, in: function, batch.sites)
            batch.sites.forEachHandler(of: site, in: function) { note += Self.note($0) }
            returns[Int(site.codeOffset)] = note
        }
        for place in 0..<Int(function.relocationCount) {
            let call = batch.relocations[Int(function.relocationStart) + place]
            callees[Int(call.codeOffset)] = call.function
        }
        let start = Int(function.codeStart)
        let code = batch.code.span.extracting(start..<start + Int(function.codeLength))
        for line in CodeListing(code).lines { add(line, code) }
    }

    private mutating func add(_ line: CodeListing.Line, _ code: Span<UInt8>) {
        let end = line.offset + line.length
        var instruction = line.text
        // The distance to another function is known only when all are in their places.
        if let callee = callees[end - 4] {
            instruction = instruction.prefix { $0 != " " } + " function \(callee)"
        }
        let bytes = (line.offset..<end).map { Self.hexadecimal(Int(code[$0]), digits: 2) }
        text += "\(Self.hexadecimal(line.offset, digits: 4))  "
        text += "\(Self.padded(bytes.joined(), to: 20))  "
        if let note = faults[line.offset] ?? returns[end] {
            text += "\(Self.padded(instruction, to: 40)) ; \(note)"
        } else {
            text += instruction
        }
        text += "\n"
    }

    /// Where in its body, or in which other one, the instruction at `offset` is.
    private static func place(
        _ offset: UInt32, in function: CompiledFunction, _ sites: borrowing CodeSites
    ) -> String {
        let place = sites.place(of: offset, in: function)
        let isOwn = place.function == function.index
        return "@\(place.bodyOffset)" + (isOwn ? "" : " of function \(place.function)")
    }

    /// Where `handler` catches what.
    private static func note(_ handler: ExceptionHandler) -> String {
        let tag = handler.tag.map { "tag \($0)" } ?? "all"
        return ", \(tag) at \(hexadecimal(Int(handler.landingOffset), digits: 4))"
    }

    private static func hexadecimal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func padded(_ text: String, to count: Int) -> String {
        text + String(repeating: " ", count: max(0, count - text.count))
    }
}
