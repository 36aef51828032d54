internal import ApusCollections
internal import ApusFormat

/// Instructions, with and without parentheses. Specification: 6.5.
///
/// Nothing here calls itself: `frames` holds what is open, so that texts may nest as deep as they
/// like.
extension ModuleParser {
    /// Reads instructions into `code`, up to a parenthesis that closes what is around them; or just
    /// one, in parentheses.
    mutating func parseInstructions(one: Bool = false) throws(TextFault) {
        while true {
            try watch.look()
            switch cursor.kind {
            case .leftParenthesis:
                try parseFolded()
                if one, frames.isEmpty { return }
            case .rightParenthesis:
                if frames.isEmpty { return }
                try closeFolded()
                if one, frames.isEmpty { return }
            case .keyword: try parseFlat()
            default: throw cursor.unexpected(expectation)
            }
        }
    }

    var expectation: String {
        mutating get {
            frames.isEmpty ? "an instruction" : frames.last.kind.expectation
        }
    }

    private mutating func row(_ token: Token) -> InstructionRow? {
        guard token.kind == .keyword, token.payload >= KeywordTable.firstInstruction else {
            return nil
        }
        return rows[Int(token.payload &- KeywordTable.firstInstruction)]
    }

    // MARK: Without parentheses

    private mutating func parseFlat() throws(TextFault) {
        if try parseFlatLegacy() { return }
        guard frames.isEmpty || frames.last.kind.takesFlat, let row = row(cursor.token) else {
            throw cursor.unexpected(expectation)
        }
        let start = cursor.index
        let hint = row.takesHint ? try takeHint(start) : 2
        cursor.index &+= 1
        switch row.syntax {
        case .block, .if:
            var frame = try parseHeader(row, start, hint)
            frame.kind = row.syntax == .if ? .flatIf : .flat
            enter(frame)
        case .else:
            guard !frames.isEmpty, frames.last.kind == .flatIf else {
                cursor.index = start
                throw cursor.unexpected(expectation)
            }
            try checkLabel()
            frames.last.kind = .flat
            mark(start)
            code.write(0x05)
        case .end:
            guard !frames.isEmpty, frames.last.kind.endsFlat else {
                cursor.index = start
                throw cursor.unexpected(expectation)
            }
            try checkLabel()
            mark(start)
            code.write(0x0B)
            frames.removeLast()
            labels.pop()
        case .plain, .select, .test:
            let pendingStart = pending.count
            try parsePlain(row)
            flush(from: pendingStart, hint, start)
        }
    }

    /// The label that may be repeated after `else` and `end`.
    mutating func checkLabel() throws(TextFault) {
        let token = cursor.token
        guard let symbol = cursor.takeIdentifier() else { return }
        guard symbol == frames.last.label else {
            throw TextFault(token, "mismatching label \(cursor.excerpt(token))")
        }
    }

    // MARK: In parentheses

    private mutating func parseFolded() throws(TextFault) {
        let start = cursor.index
        if cursor.isAtOpening(.then) { return try parseThen() }
        if try parseFoldedLegacy() { return }
        guard let row = row(text.tokens[start &+ 1]) else {
            cursor.index &+= 1
            throw cursor.unexpected(expectation)
        }
        if row.syntax == .else { return try parseElse() }
        guard frames.isEmpty || frames.last.kind.takesFolded, row.syntax != .end else {
            cursor.index &+= 1
            throw cursor.unexpected(expectation)
        }
        let hint = row.takesHint ? try takeHint(start) : 2
        cursor.index &+= 2
        switch row.syntax {
        case .block:
            var frame = try parseHeader(row, start, hint)
            frame.kind = .body
            enter(frame)
        case .if:
            var frame = try parseHeader(row, start, hint)
            frame.kind = .condition
            frames.append(frame)
        case .plain, .select, .test, .else, .end:
            let frame = InstructionFrame(
                kind: .operands, pendingStart: pending.count, label: LabelStack.none,
                labelName: LabelStack.none, token: start, hint: hint)
            try parsePlain(row)
            if cursor.isAtClosing {
                // Without operands: the usual end of a tree.
                cursor.index &+= 1
                return flush(from: frame.pendingStart, hint, start)
            }
            frames.append(frame)
        }
    }

    private mutating func parseThen() throws(TextFault) {
        guard !frames.isEmpty, frames.last.kind == .condition else {
            cursor.index &+= 1
            throw cursor.unexpected(expectation)
        }
        cursor.index &+= 2
        var frame = frames.removeLast()
        frame.kind = .then
        enter(frame)
    }

    private mutating func parseElse() throws(TextFault) {
        guard !frames.isEmpty, frames.last.kind == .afterThen else {
            cursor.index &+= 1
            throw cursor.unexpected(expectation)
        }
        cursor.index &+= 2
        frames.last.kind = .else
        mark(cursor.index &- 2)
        code.write(0x05)
    }

    private mutating func closeFolded() throws(TextFault) {
        switch frames.last.kind {
        case .operands:
            let frame = frames.removeLast()
            flush(from: frame.pendingStart, frame.hint, frame.token)
        case .then: frames.last.kind = .afterThen
        case .else: frames.last.kind = .afterElse
        case .body, .afterThen, .afterElse:
            mark(cursor.index)
            code.write(0x0B)
            frames.removeLast()
            labels.pop()
        case .tryDo, .tryCatch, .tryCatchAll, .afterDo, .afterCatch, .afterCatchAll,
            .afterDelegate:
            closeFoldedLegacy()
        case .condition, .flat, .flatIf, .flatTry, .flatCatch, .flatCatchAll, .try:
            throw cursor.unexpected(expectation)
        }
        cursor.index &+= 1
    }

    // MARK: Structured instructions

    /// Reads the label and the type of a structured instruction; its bytes are pending.
    private mutating func parseHeader(
        _ row: InstructionRow, _ start: Int, _ hint: UInt8
    ) throws(TextFault) -> InstructionFrame {
        let pendingStart = pending.count
        let label = cursor.takeIdentifier() ?? LabelStack.none
        let name = try takeNameAnnotation() ?? label
        writeCode(row)
        try parseBlockType()
        if row.form == .catchTable { try parseCatches() }
        return InstructionFrame(
            kind: .body, pendingStart: pendingStart, label: label, labelName: name, token: start,
            hint: hint)
    }

    /// Writes what is pending of `frame` and enters its body.
    mutating func enter(_ frame: InstructionFrame) {
        flush(from: frame.pendingStart, frame.hint, frame.token)
        if frame.labelName != LabelStack.none, let function {
            names.labels.append(
                .init(owner: function, index: labels.total, symbol: frame.labelName))
        }
        labels.push(frame.label)
        frames.append(frame)
    }

    /// Moves the pending bytes from `start` on, an instruction whose first token is `token`, to the
    /// code.
    private mutating func flush(from start: Int, _ hint: UInt8, _ token: Int) {
        mark(token)
        if hint != 2, let function {
            hints.append(BranchHint(function: function, offset: code.count, value: hint))
        }
        code.write(pending, from: start)
        pending.truncate(to: start)
    }

    mutating func writeCode(_ row: InstructionRow) {
        if row.prefix == 0 {
            pending.write(UInt8(truncatingIfNeeded: row.code))
        } else {
            pending.write(row.prefix)
            pending.write(unsigned: UInt64(row.code))
        }
    }

    mutating func parseBlockType() throws(TextFault) {
        guard cursor.isAtOpening else { return pending.write(0x40) }
        let token = cursor.token
        let explicit = try parseExplicitType()
        try parseSignature(names: .refused)
        if explicit == nil, parameters.isEmpty, results.count < 2 {
            if results.isEmpty { pending.write(0x40) } else { pending.write(results[0]) }
            return
        }
        let index = try resolveTypeUse(explicit, token, .refused)
        pending.write(signed: Int64(index))
    }

    private mutating func parseCatches() throws(TextFault) {
        var catches = ByteWriter()
        var count = 0
        let kinds: [Keyword] = [.catch, .catchRef, .catchAll, .catchAllRef]
        while let keyword = cursor.openingKeyword, let kind = kinds.firstIndex(of: keyword) {
            cursor.index &+= 2
            catches.write(UInt8(kind))
            if kind < 2 { catches.write(unsigned: try parseIndex(.tag)) }
            catches.write(unsigned: try parseLabel())
            try cursor.expectClosing()
            count &+= 1
        }
        pending.write(count: count)
        pending.write(catches)
    }
}
