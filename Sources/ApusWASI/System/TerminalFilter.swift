/// Makes of a guest's output what a terminal may get.
///
/// Text passes, and of the sequences that a terminal obeys those that change how the guest's own
/// text looks, or where in its own lines the next goes (`TerminalSequence`). All else is shown
/// instead of obeyed: control characters, apart from line feed, carriage return, tab and backspace,
/// become the pictures that Unicode has for them (␛ for escape); what is not UTF-8 becomes U+FFFD.
///
/// Nothing of a character or a sequence is let through before its end has come, so what several
/// streams write to one terminal cannot be put together to something else there.
struct TerminalFilter {
    private enum State {
        case text
        /// Within a character of several bytes.
        case character
        /// After an escape.
        case escape
        /// After an escape and a bracket.
        case sequence
        /// After an escape and a parenthesis: a character set is chosen.
        case characterSet
    }

    private var state = State.text
    /// The beginning of a character or sequence whose end has not come yet.
    private var pending: [UInt8] = []
    /// Lines that the guest has ended and not gone up again. No more of them can be its own.
    private var linesAbove = 0
    /// Whether text may look otherwise than the terminal has it by itself.
    private(set) var isStyled = false

    private static let escape: UInt8 = 0x1B

    /// What is shown for `bytes`, as far as it is complete.
    mutating func filter(_ bytes: RawSpan) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(bytes.byteCount + 8)
        // SAFETY: the index is below the count.
        for index in 0..<bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            take(byte, &shown)
        }
        return shown
    }

    private mutating func take(_ byte: UInt8, _ shown: inout [UInt8]) {
        if goesOn(with: byte, &shown) { return }
        switch byte {
        case 0x0A:
            linesAbove = min(linesAbove + 1, TerminalSequence.countLimit)
            shown.append(byte)
        case 0x08, 0x09, 0x0D, 0x20..<0x7F: shown.append(byte)
        case Self.escape: begin(.escape, byte)
        case 0x80...:
            if Self.length(of: byte) > 0 {
                begin(.character, byte)
            } else {
                shown.append(contentsOf: Self.replacement)
            }
        default: Self.show(control: byte, &shown)
        }
    }

    private mutating func begin(_ state: State, _ byte: UInt8) {
        self.state = state
        pending.append(byte)
    }

    /// Whether `byte` belongs to what is pending. If something is and it does not, that is shown.
    private mutating func goesOn(with byte: UInt8, _ shown: inout [UInt8]) -> Bool {
        switch state {
        case .text: return false
        case .character:
            guard byte & 0xC0 == 0x80 else { break }
            pending.append(byte)
            if pending.count == Self.length(of: pending[0]) {
                Self.show(character: pending, &shown)
                finish()
            }
            return true
        case .escape:
            if byte == UInt8(ascii: "[") {
                begin(.sequence, byte)
                return true
            }
            guard byte == UInt8(ascii: "(") else { break }
            begin(.characterSet, byte)
            return true
        case .characterSet:
            // The set B is plain ASCII; others would show letters as something else.
            guard byte == UInt8(ascii: "B") else { break }
            shown.append(contentsOf: pending + [byte])
            finish()
            return true
        case .sequence:
            guard (0x20..<0x7F).contains(byte), pending.count < TerminalSequence.lengthLimit
            else { break }
            pending.append(byte)
            if byte >= 0x40 { obey(&shown) }
            return true
        }
        showPending(&shown)
        return false
    }

    private mutating func finish() {
        pending.removeAll(keepingCapacity: true)
        state = .text
    }

    /// What is pending is not what it could have been.
    private mutating func showPending(_ shown: inout [UInt8]) {
        if state == .character {
            shown.append(contentsOf: Self.replacement)
        } else {
            for byte in pending {
                if byte == Self.escape {
                    Self.show(control: byte, &shown)
                } else {
                    shown.append(byte)
                }
            }
        }
        finish()
    }

    /// The sequence that is pending is complete.
    private mutating func obey(_ shown: inout [UInt8]) {
        switch TerminalSequence.judge(pending[2...], linesAbove: linesAbove) {
        case .pass(let sequence): shown.append(contentsOf: sequence)
        case .style(let sequence, let isPlain):
            shown.append(contentsOf: sequence)
            isStyled = !isPlain
        case .up(let sequence, let lines):
            shown.append(contentsOf: sequence)
            linesAbove -= lines
        case .ignore: break
        case .show: return showPending(&shown)
        }
        finish()
    }

    /// The picture of a control character.
    private static func show(control byte: UInt8, _ shown: inout [UInt8]) {
        // U+2421 is that of delete, U+2400 and on those of the others.
        shown.append(contentsOf: [0xE2, 0x90, byte == 0x7F ? 0xA1 : 0x80 + byte])
    }

    /// A character of several bytes: as it is if it is none of the controls from U+0080 on.
    private static func show(character: [UInt8], _ shown: inout [UInt8]) {
        let isControl = character.count == 2 && character[0] == 0xC2 && character[1] < 0xA0
        let isValid = (try? UTF8Span(validating: character.span)) != nil
        shown.append(contentsOf: isValid && !isControl ? character : replacement)
    }

    /// How many bytes the character has that begins with `byte`; 0 if none does.
    private static func length(of byte: UInt8) -> Int {
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
    }

    /// U+FFFD.
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
}
