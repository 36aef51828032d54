/// Which control sequences (ECMA-48: CSI, parameters, final byte) of a guest's a terminal may obey.
///
/// Those that only touch the guest's own lines: colours and other looks of text, moving within the
/// line, erasing and shifting what is there, and going up, but no further than the guest has come
/// down. What could change other lines, the terminal's state, or make it answer is shown: absolute
/// positions, clearing the screen, scrolling, saved positions, modes, reports.
enum TerminalSequence {
    enum Verdict: Equatable {
        case pass([UInt8])
        /// Changes how text looks; `isPlain` if back to how the terminal has it by itself.
        case style([UInt8], isPlain: Bool)
        /// Goes up so many lines.
        case up([UInt8], lines: Int)
        /// Neither obeyed nor shown.
        case ignore
        case show
    }

    /// Bytes that one has at most, its beginning included.
    static let lengthLimit = 64
    /// The greatest count that is handed on.
    static let countLimit = 9999

    /// What is to become of the sequence whose bytes after the bracket are `body`, when the guest
    /// has come down `linesAbove` lines.
    static func judge(_ body: ArraySlice<UInt8>, linesAbove: Int) -> Verdict {
        guard let final = body.last else { return .show }
        let parameters = body.dropLast()
        // Whether the cursor is seen is the host's to say; programs that show progress hide it.
        if parameters.elementsEqual("?25".utf8) {
            return final == UInt8(ascii: "h") || final == UInt8(ascii: "l") ? .ignore : .show
        }
        if final == UInt8(ascii: "m") { return style(parameters) }
        guard let number = number(parameters) else { return .show }
        let count = max(number, 1)
        switch final {
        case UInt8(ascii: "A"), UInt8(ascii: "F"):
            let lines = min(count, linesAbove)
            return lines == 0 ? .ignore : .up(sequence(lines, final), lines: lines)
        case UInt8(ascii: "B"), UInt8(ascii: "C"), UInt8(ascii: "D"), UInt8(ascii: "E"),
            UInt8(ascii: "G"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "@"):
            return .pass(sequence(count, final))
        case UInt8(ascii: "K"):
            return number <= 2 ? .pass(sequence(number, final)) : .show
        case UInt8(ascii: "J"):
            return number == 0 ? .pass(sequence(0, final)) : .show
        default: return .show
        }
    }

    private static func sequence(_ number: Int, _ final: UInt8) -> [UInt8] {
        var bytes: [UInt8] = [0x1B, UInt8(ascii: "[")]
        bytes.append(contentsOf: "\(number)".utf8)
        bytes.append(final)
        return bytes
    }

    /// A decimal number, 0 if nothing is there; nil if that is something else, or too much.
    private static func number(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.count <= 4 else { return nil }
        var number = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    /// Looks of text (SGR). Text that is not to be seen (8) is not among them.
    private static func style(_ parameters: ArraySlice<UInt8>) -> Verdict {
        var looks: [[Int]] = []
        for look in parameters.split(
            separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        {
            var values: [Int] = []
            for part in look.split(
                separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            {
                guard let value = number(part) else { return .show }
                values.append(value)
            }
            looks.append(values)
        }
        var sequence: [UInt8] = [0x1B, UInt8(ascii: "[")]
        sequence.append(contentsOf: parameters)
        sequence.append(UInt8(ascii: "m"))
        guard let isPlain = isPlain(looks) else { return .show }
        return .style(sequence, isPlain: isPlain)
    }

    /// Whether text looks as the terminal has it by itself after all of `looks`; nil if it is not
    /// to be seen then.
    private static func isPlain(_ looks: [[Int]]) -> Bool? {
        var isPlain = false
        // What some terminals may take for the value of a colour makes nothing plain.
        var isCertain = true
        var index = 0
        while index < looks.count {
            let look = looks[index]
            if look[0] == 8 { return nil }
            isPlain = look == [0]
            if look == [58] { isCertain = false }
            index += 1
            // A colour: its kind and values may follow as looks of their own.
            if look == [38] || look == [48], index < looks.count {
                switch looks[index] {
                case [5]: index += 2
                case [2]: index += 4
                default: isCertain = false
                }
            }
        }
        return isPlain && isCertain
    }
}
