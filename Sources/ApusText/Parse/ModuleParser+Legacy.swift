internal import ApusCollections
internal import ApusFormat

/// Exception handling as it was before it was standardised: `try`, with and without parentheses.
extension ModuleParser {
    private mutating func write(_ legacy: LegacyInstruction, at token: Int) {
        mark(token)
        code.write(legacy.rawValue)
    }

    /// Reads the label and the type of a `try` and enters it.
    private mutating func enterTry(_ kind: InstructionFrame.Kind, _ start: Int) throws(TextFault) {
        let pendingStart = pending.count
        let label = cursor.takeIdentifier() ?? LabelStack.none
        let name = try takeNameAnnotation() ?? label
        pending.write(LegacyInstruction.try.rawValue)
        try parseBlockType()
        enter(
            InstructionFrame(
                kind: kind, pendingStart: pendingStart, label: label, labelName: name,
                token: start, hint: 2))
    }

    /// Leaves the innermost frame by `delegate`, whose label is one around it.
    private mutating func writeDelegate(at token: Int) throws(TextFault) {
        labels.pop()
        write(.delegate, at: token)
        code.write(unsigned: try parseLabel())
    }

    // MARK: Without parentheses

    /// Reads the instruction, or the part of a `try`, that comes next, if it is a legacy one.
    mutating func parseFlatLegacy() throws(TextFault) -> Bool {
        let start = cursor.index
        let kind = frames.isEmpty ? nil : frames.last.kind
        guard kind?.takesFlat ?? true else { return false }
        switch (cursor.keyword, kind) {
        case (.try?, _):
            cursor.index &+= 1
            try enterTry(.flatTry, start)
        case (.rethrow?, _):
            cursor.index &+= 1
            write(.rethrow, at: start)
            code.write(unsigned: try parseLabel())
        case (.catch?, .flatTry?), (.catch?, .flatCatch?):
            cursor.index &+= 1
            write(.catch, at: start)
            code.write(unsigned: try parseIndex(.tag))
            frames.last.kind = .flatCatch
        case (.catchAll?, .flatTry?), (.catchAll?, .flatCatch?):
            cursor.index &+= 1
            try checkLabel()
            write(.catchAll, at: start)
            frames.last.kind = .flatCatchAll
        case (.delegate?, .flatTry?):
            cursor.index &+= 1
            try writeDelegate(at: start)
            frames.removeLast()
        default: return false
        }
        return true
    }

    // MARK: In parentheses

    /// Reads the opening of a legacy instruction, or of a part of a `try`, if one comes next.
    mutating func parseFoldedLegacy() throws(TextFault) -> Bool {
        guard let keyword = cursor.openingKeyword else { return false }
        let start = cursor.index
        let kind = frames.isEmpty ? nil : frames.last.kind
        switch (keyword, kind) {
        case (.try, _) where kind?.takesFolded ?? true:
            cursor.index &+= 2
            try enterTry(.try, start)
        case (.rethrow, _) where kind?.takesFolded ?? true:
            cursor.index &+= 2
            write(.rethrow, at: start)
            code.write(unsigned: try parseLabel())
            try cursor.expectClosing()
        case (.do, .try?):
            cursor.index &+= 2
            frames.last.kind = .tryDo
        case (.catch, .afterDo?), (.catch, .afterCatch?):
            cursor.index &+= 2
            write(.catch, at: start)
            code.write(unsigned: try parseIndex(.tag))
            frames.last.kind = .tryCatch
        case (.catchAll, .afterDo?), (.catchAll, .afterCatch?):
            cursor.index &+= 2
            write(.catchAll, at: start)
            frames.last.kind = .tryCatchAll
        case (.delegate, .afterDo?):
            cursor.index &+= 2
            try writeDelegate(at: start)
            try cursor.expectClosing()
            frames.last.kind = .afterDelegate
        default: return false
        }
        return true
    }

    /// Closes a part of a `try`, or all of it. The parenthesis comes next.
    mutating func closeFoldedLegacy() {
        switch frames.last.kind {
        case .tryDo: frames.last.kind = .afterDo
        case .tryCatch: frames.last.kind = .afterCatch
        case .tryCatchAll: frames.last.kind = .afterCatchAll
        case .afterDelegate: frames.removeLast()
        default:
            mark(cursor.index)
            code.write(0x0B)
            frames.removeLast()
            labels.pop()
        }
    }
}
