internal import ApusABI
internal import ApusAssembler
internal import ApusCollections

/// The machine code of one function, an instruction a line: where it is in the code, its bytes, the
/// instruction, and, if it can trap or is a call, the offset of its WebAssembly instruction in the
/// body and what it traps with.
struct AssemblyListing {
    /// An instruction, or a piece of data behind the code.
    struct Line {
        /// From the function's start.
        var offset: Int
        var bytes: [UInt8]
        var instruction: String
        /// What is known of the place.
        var note: String?
        /// The offset in the body of what it was made of, as far as the compiler has noted that.
        var bodyOffset: UInt32?

        /// All of it.
        var text: String {
            let digits = bytes.map { AssemblyListing.hexadecimal(Int($0), digits: 2) }.joined()
            let start =
                "\(AssemblyListing.hexadecimal(offset, digits: 4))  "
                + "\(AssemblyListing.padded(digits, to: 20))  "
            guard let note else { return start + instruction }
            return start + "\(AssemblyListing.padded(instruction, to: 40)) ; \(note)"
        }
    }

    private(set) var lines: [Line] = []
    /// What can be said of the instruction at an offset, and of the call that returns there.
    private var faults: [Int: Note] = [:]
    private var returns: [Int: Note] = [:]
    /// Functions that are called, by the offset of the distance to them.
    private var callees: [Int: UInt32] = [:]

    private struct Note {
        var text: String
        var bodyOffset: UInt32
    }

    /// Where an instruction's code begins, and which one it is.
    private var sites: [(offset: Int, bodyOffset: UInt32)] = []

    /// A line of text for each line.
    var text: String { lines.map { $0.text + "\n" }.joined() }

    /// Lists the first function of `batch`, which is not linked yet.
    init(_ batch: borrowing CodeBatch) {
        let function = batch.functions[0]
        noteSites(of: function, batch.sites, base: 0)
        for place in 0..<batch.sites.instructions.count {
            let site = batch.sites.instructions[place]
            sites.append((Int(site.codeOffset) - Int(function.codeStart), site.bodyOffset))
        }
        for place in 0..<Int(function.relocationCount) {
            let call = batch.relocations[Int(function.relocationStart) + place]
            callees[Int(call.codeOffset)] = call.function
        }
        let start = Int(function.codeStart)
        list(batch.code.span.extracting(start..<start + Int(function.codeLength))) { _ in nil }
    }

    /// Lists the function at `position` of `records`, whose code is in `code`. Of calls that are
    /// not linked, `relocations` says where they lead.
    init(
        _ position: Int, of records: borrowing CodeRecords,
        _ relocations: borrowing Arena<CodeRelocation>, _ code: Span<UInt8>
    ) {
        let function = records.functions[position]
        let start = Int(function.codeStart)
        let end = start + Int(function.codeLength)
        noteSites(of: function, records.sites, base: function.codeStart)
        var place = relocations.partitioningIndex { Int($0.codeOffset) >= start }
        while place < relocations.count, Int(relocations[place].codeOffset) < end {
            let relocation = relocations[place]
            if relocation.kind == .code || relocation.kind == .pointer {
                callees[Int(relocation.codeOffset) - start] = relocation.function
            }
            place += 1
        }
        list(code.extracting(start..<end)) { target in
            let place = records.functions.partitioningIndex {
                Int($0.codeStart) >= start + target
            }
            guard place < records.functions.count,
                Int(records.functions[place].codeStart) == start + target
            else { return nil }
            return records.functions[place].index
        }
    }

    /// Notes what is known of places in `function`, whose offsets count from `base`.
    private mutating func noteSites(
        of function: CompiledFunction, _ sites: borrowing CodeSites, base: UInt32
    ) {
        for place in 0..<Int(function.trapCount) {
            let site = sites.traps[Int(function.trapStart) + place]
            let text = Self.origin(site.bodyOffset, in: function, sites) + " \(site.code)"
            faults[Int(site.codeOffset &- base)] = Note(text: text, bodyOffset: site.bodyOffset)
        }
        for place in 0..<Int(function.callCount) {
            let site = sites.calls[Int(function.callStart) + place]
            var text = Self.origin(site.bodyOffset, in: function, sites)
            sites.forEachHandler(of: site, in: function) { text += Self.note($0) }
            returns[Int(site.codeOffset &- base)] = Note(text: text, bodyOffset: site.bodyOffset)
        }
    }

    /// Lists `code`, from which a call to an offset leads to the function that `callee` says.
    private mutating func list(_ code: Span<UInt8>, _ callee: (Int) -> UInt32?) {
        var site = 0
        for line in CodeListing(code).lines {
            while site < sites.count, sites[site].offset <= line.offset { site += 1 }
            let isData = line.text.hasPrefix(".")
            // The distance to another function is known only when all are in their places.
            let target =
                callees[line.offset + line.length - 4]
                ?? (isData
                    ? nil
                    : Disassembler.instruction(code, at: line.offset).target.flatMap(callee))
            add(line, code, target, isData || site == 0 ? nil : sites[site - 1].bodyOffset)
        }
    }

    private mutating func add(
        _ line: CodeListing.Line, _ code: Span<UInt8>, _ callee: UInt32?, _ bodyOffset: UInt32?
    ) {
        let end = line.offset + line.length
        var instruction = line.text
        if let callee {
            instruction = instruction.prefix { $0 != " " } + " function \(callee)"
        }
        let note = faults[line.offset] ?? returns[end]
        lines.append(
            Line(
                offset: line.offset, bytes: (line.offset..<end).map { code[$0] },
                instruction: instruction, note: note?.text,
                bodyOffset: note?.bodyOffset ?? bodyOffset))
    }

    /// Where in its body, or in which other one, the instruction at `offset` is.
    private static func origin(
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

    static func hexadecimal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func padded(_ text: String, to count: Int) -> String {
        text + String(repeating: " ", count: max(0, count - text.count))
    }
}
